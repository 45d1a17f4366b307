"""Chat templates: text, ids and loss masks as transformers has them, and no more than a conversation takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from curation.methods.formatters.chat import chat
from curation.methods.formatters.chat_template import ChatTemplate, Conversation, Refused
from curation.training.tokens import count_tokens
from schemas.errors import RecipeError
from schemas.formatters import Chat
from schemas.tables import RECORD
from tests.made_tokenizers import byte_level

CHATML = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
MARKED = (
    "{%- for message in messages %}{%- if message.role == 'assistant' %}{{- '<|im_start|>assistant\\n' }}"
    "{% generation %}{{- message.content + '<|im_end|>' }}{% endgeneration %}{{- '\\n' }}"
    "{%- else %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
)
MARKED_TIGHTLY = (
    MARKED.replace(  # and without the end of turn, which the assistant's text is found with where nothing is marked
        "{% generation %}{{- message.content + '<|im_end|>' }}{% endgeneration %}",
        "{%- generation -%}{{- message.content }}{%- endgeneration -%}{{- '<|im_end|>' }}",
    )
)
LLAMA = (
    "{{- bos_token }}{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content']|trim %}"
    "{%- set messages = messages[1:] %}{%- else %}{%- set system_message = 'You are helpful.' %}{%- endif %}"
    "{{- '<|im_start|>system\\n\\n' + system_message + '<|im_end|>' }}{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n\\n' + message['content'] | trim + '<|im_end|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n\\n' }}{%- endif %}"
)
THOUGHTS = (  # cuts what was thought out of all turns but the last, as Qwen3 and DeepSeek-R1 do
    "{%- for message in messages %}{%- set content = message.content %}"
    "{%- if message.role == 'assistant' and not loop.last and '</think>' in content %}"
    "{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}"
    "{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
ALTERNATING = (
    "{%- for message in messages %}{%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{- raise_exception('roles must alternate user/assistant') }}{%- endif %}"
    "{%- if message.role == 'user' %}{{- '[INST] ' + message.content + ' [/INST]' }}"
    "{%- else %}{{- ' ' + message.content|trim + eos_token }}{%- endif %}{%- endfor %}"
)
CALLS = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content }}"
    "{%- for call in message.tool_calls or [] %}{{- '<call>' + (call.function | tojson) + '</call>' }}{%- endfor %}"
    "{{- '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
CONTENT = st.text(alphabet="ab \n<|>é中👩.,'\U000f0000", max_size=30)
CONVERSATIONS = st.lists(st.tuples(CONTENT, CONTENT), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    texts = ["user assistant system hello\n\n there a b ab"] * 50
    return byte_level(path, texts, ["<s>", "</s>", "<|im_start|>", "<|im_end|>"])


def table(messages: list[dict[str, Any]], truth: str | None = None) -> pa.Table:
    """One conversation as *prepare* leaves it."""
    record = {
        "turns": [[one["content"] for one in messages]],
        "calls": [[json.dumps(one["tool_calls"]) if "tool_calls" in one else "" for one in messages]],
        "marks": [[{"role": one["role"], "weight": one.get("weight"), "part": 0} for one in messages]],
        "ground_truth": [truth],
        "verifier": [None],
    }
    columns = [pa.array(record[field.name], field.type) for field in RECORD]
    base = pa.table({"text": pa.array([""], pa.large_string()), "prompt": pa.nulls(1, pa.large_string())})
    for field, column in zip(RECORD, columns, strict=True):
        base = base.append_column(field.name, column)
    return base


def written(
    messages: list[dict[str, Any]], template: str, tokenizer: str, **options: Any
) -> tuple[str, list[int], list[int], Any]:
    params = Chat(method="chat", template=template, variables={"bos_token": "<s>", "eos_token": "</s>"}, **options)
    made = chat(table(messages), params, seed=0, phase="all")
    counted = count_tokens(made.texts, made.segments, tokenizer)
    assert counted.input_ids is not None
    assert counted.loss_mask is not None
    text = made.texts[0].as_py()
    return text, counted.input_ids[0].as_py(), counted.loss_mask[0].as_py(), made


def turns_of(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"role": role, "content": content}
        for asked, answered in pairs
        for role, content in (("user", asked), ("assistant", answered))
    ]


@pytest.mark.parametrize("template", [CHATML, MARKED, MARKED_TIGHTLY, LLAMA, THOUGHTS, ALTERNATING])
@given(pairs=CONVERSATIONS)
@settings(max_examples=40, deadline=None)
def test_ids_are_transformers_own(tokenizer: str, template: str, pairs: list[tuple[str, str]]) -> None:
    peer = PreTrainedTokenizerFast(tokenizer_file=tokenizer, bos_token="<s>", eos_token="</s>")
    messages = turns_of(pairs)
    text, ids, mask, made = written(messages, template, tokenizer)
    assert not made.refused
    assert text == peer.apply_chat_template(messages, chat_template=template, tokenize=False)
    wanted = peer.apply_chat_template(
        messages,
        chat_template=template,
        return_dict=True,
        return_assistant_tokens_mask=template in (MARKED, MARKED_TIGHTLY),
    )
    assert ids == wanted["input_ids"]
    if template in (MARKED, MARKED_TIGHTLY):
        assert mask == wanted["assistant_masks"]
    else:
        assert len(mask) == len(ids)


@pytest.mark.parametrize(("template", "end"), [(CHATML, "<|im_end|>"), (LLAMA, "<|im_end|>"), (ALTERNATING, "</s>")])
@given(pairs=CONVERSATIONS)
@settings(max_examples=40, deadline=None)
def test_loss_is_on_what_the_assistant_says_and_its_end(
    tokenizer: str, template: str, end: str, pairs: list[tuple[str, str]]
) -> None:
    text, _, _, made = written(turns_of(pairs), template, tokenizer)
    trained = [text[s["start"] : s["end"]] for s in made.segments[0].as_py() if s["loss"]]
    kept = template is CHATML  # the others trim
    assert trained == [(answer if kept else answer.strip()) + end for _, answer in pairs]
    assert {s["kind"] for s in made.segments[0].as_py() if s["loss"]} == {"assistant"}


def test_a_template_that_cuts_thoughts_out(tokenizer: str) -> None:
    messages = turns_of([("a", "<think>x</think>\nb"), ("c", "<think>y</think>\nd")])
    text, _, _, made = written(messages, THOUGHTS, tokenizer)
    assert "x" not in text
    assert "<think>y</think>" in text
    trained = [text[s["start"] : s["end"]] for s in made.segments[0].as_py() if s["loss"]]
    assert trained[-1] == "<think>y</think>\nd<|im_end|>"
    assert trained == ["b<|im_end|>", "<think>y</think>\nd<|im_end|>"]


def test_kinds_are_the_roles_of_the_turns(tokenizer: str) -> None:
    messages = [{"role": "system", "content": "s"}, *turns_of([("a", "b")]), {"role": "tool", "content": "t"}]
    text, _, _, made = written(messages, CHATML, tokenizer)
    said = dict.fromkeys(("system", "user", "assistant", "tool"), "")
    for one in made.segments[0].as_py():
        said[one["kind"]] += text[one["start"] : one["end"]]
    assert said == {
        "system": "<|im_start|>system\ns<|im_end|>\n",
        "user": "<|im_start|>user\na<|im_end|>\n",
        "assistant": "<|im_start|>assistant\nb<|im_end|>\n",
        "tool": "<|im_start|>tool\nt<|im_end|>\n",
    }


def test_weights_of_turns(tokenizer: str) -> None:
    messages = turns_of([("a", "b"), ("c", "d")])
    messages[1]["weight"] = 0.0
    messages[3]["weight"] = 0.5
    for template in (CHATML, MARKED):
        text, _, _, made = written(messages, template, tokenizer)
        trained = [text[s["start"] : s["end"]] for s in made.segments[0].as_py() if s["loss"]]
        assert trained == ["d<|im_end|>"]
        assert sorted(set(made.weights.tolist())) == [0.0, 0.5]


def test_tool_calls_come_to_the_template(tokenizer: str) -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
    messages += [{"role": "tool", "content": "3"}, {"role": "assistant", "content": "three"}]
    text, _, _, made = written(messages, CALLS, tokenizer)
    trained = [text[s["start"] : s["end"]] for s in made.segments[0].as_py() if s["loss"]]
    assert trained == ['<call>{"name": "add", "arguments": {"a": 1}}</call><|im_end|>', "three<|im_end|>"]


def test_a_prompt_that_is_verified_ends_with_the_assistants_opening() -> None:
    params = Chat(method="chat", template=CHATML)
    made = chat(table([{"role": "user", "content": "2 + 2"}], truth="4"), params, seed=0, phase="all")
    assert made.texts.to_pylist() == ["<|im_start|>user\n2 + 2<|im_end|>\n<|im_start|>assistant\n"]
    assert not any(s["loss"] for s in made.segments[0].as_py())


def test_a_record_that_the_template_refuses_is_said(tokenizer: str) -> None:
    params = Chat(method="chat", template=ALTERNATING, variables={"eos_token": "</s>"})
    made = chat(table([{"role": "assistant", "content": "a"}]), params, seed=0, phase="all")
    assert made.refused == {0: "roles must alternate user/assistant"}
    assert made.texts.to_pylist() == [""]


def test_a_tokenizers_folder_has_template_and_tokens(tmp_path: Path) -> None:
    config = {"chat_template": [{"name": "default", "template": LLAMA}], "bos_token": {"content": "<s>"}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    params = Chat(method="chat", tokenizer=str(tmp_path))
    messages = turns_of([("a", "b")])
    assert chat(table(messages), params, seed=0, phase="all").texts[0].as_py().startswith("<s><|im_start|>system")
    (tmp_path / "chat_template.jinja").write_text(CHATML)
    assert chat(table(messages), params, seed=0, phase="all").texts[0].as_py().startswith("<|im_start|>user")
    for name, says in (("nothing", "is no file"), (".", "chat template")):
        (tmp_path / "chat_template.jinja").unlink(missing_ok=True)
        (tmp_path / "tokenizer_config.json").write_text("{}")
        with pytest.raises(RecipeError, match=says):
            chat(table(messages), Chat(method="chat", tokenizer=str(tmp_path / name)), seed=0, phase="all")


def refusal(template: str, content: str = "hello") -> str:
    messages = turns_of([(content, content)])
    with pytest.raises((Refused, RecipeError)) as raised:
        ChatTemplate(template, "conditioning.template").pieces(Conversation(messages, [None, None]))
    return str(raised.value)


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x.replace('a', 'aa') %}{% endfor %}x",
        "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x | replace('a', 'aa') %}{% endfor %}x",
        "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] | join %}{% endfor %}x",
        "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}",
        "{{ 'a' * 10 ** 10 }}",
        "{{ 'a'.ljust(10 ** 9) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 2 ** 10 ** 9 }}",
        "{% for i in range(10 ** 9) %}{% endfor %}",
        "{{ messages | tojson(indent=100000000) }}",
        "{{ 'a' | center(100000000) }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{% include '/etc/passwd' %}",
        "{{ strftime_now('%Y') }}",
        "{{ lipsum() }}",
    ],
)
def test_what_a_template_may_not(template: str) -> None:
    assert refusal(template)


@pytest.mark.parametrize("template", ["{% for %}", "{{ a b }}", "{{ 'a' | center(3) | nothing }}"])
def test_a_template_that_is_none_is_said_with_its_line(template: str) -> None:
    with pytest.raises(RecipeError, match=r"conditioning\.template: no chat template"):
        ChatTemplate(template, "conditioning.template").render([])


def test_text_is_never_a_template() -> None:
    made = chat(
        table(turns_of([("{{ 7 * 7 }}", "{% raw %}{{ messages }}")])),
        Chat(method="chat", template=CHATML),
        seed=0,
        phase="all",
    )
    assert "{{ 7 * 7 }}" in made.texts[0].as_py()
    assert "{% raw %}{{ messages }}" in made.texts[0].as_py()

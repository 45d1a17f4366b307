"""What the method recipes run on: `python -m deployments.example_data FOLDER` makes small, synthetic data.

Texts are random sentences over word lists, so that nothing is a duplicate; labels and numbers (losses, perplexities,
embeddings, rewards) are drawn so that each method has something to do. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from deployments import example_models, example_records, example_tables, example_worlds
from deployments.example_reports import alignments, document_reports, probes, scores, skill_losses

COMMON = [
    "the",
    "of",
    "and",
    "to",
    "a",
    "in",
    "is",
    "that",
    "it",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "his",
    "they",
    "at",
    "be",
    "this",
    "from",
    "have",
    "or",
    "by",
    "one",
    "had",
    "not",
    "but",
]
TOPICS = {
    "books": [
        "castle",
        "lantern",
        "sister",
        "journey",
        "whisper",
        "garden",
        "harbour",
        "winter",
        "letter",
        "captain",
        "sorrow",
        "window",
        "stranger",
    ],
    "code": [
        "function",
        "loop",
        "array",
        "pointer",
        "compile",
        "buffer",
        "thread",
        "module",
        "parser",
        "variable",
        "string",
        "integer",
        "queue",
    ],
    "encyclopedia": [
        "river",
        "province",
        "founded",
        "century",
        "species",
        "population",
        "district",
        "treaty",
        "island",
        "railway",
        "dynasty",
    ],
    "maths": [
        "theorem",
        "integral",
        "prime",
        "lemma",
        "vector",
        "matrix",
        "proof",
        "converge",
        "bounded",
        "polynomial",
        "angle",
        "sum",
        "axiom",
    ],
    "medicine": [
        "patient",
        "dose",
        "clinical",
        "tumour",
        "therapy",
        "chronic",
        "protein",
        "diagnosis",
        "trial",
        "lesion",
        "infection",
        "vaccine",
    ],
    "news": [
        "minister",
        "election",
        "market",
        "report",
        "police",
        "strike",
        "budget",
        "company",
        "court",
        "storm",
        "league",
        "union",
        "price",
    ],
}
SHARES = {"books": 0.12, "code": 0.2, "encyclopedia": 0.13, "maths": 0.08, "medicine": 0.17, "news": 0.3}
SUBJECTS = {
    "biology": ["cell", "gene", "enzyme"],
    "history": ["empire", "revolt", "treaty"],
    "physics": ["force", "wave", "field"],
}
STAGES = ["1-secondary", "2-college", "3-graduate"]
BLOOM = ["1-remember", "2-understand", "3-apply"]
DATASETS = {"flan": 0.35, "wizard": 0.25, "maths": 0.2, "code": 0.15, "safety": 0.05}
SKILLS = {
    "metaphor": "literary",
    "irony": "literary",
    "modus_ponens": "logical",
    "spatial": "physical",
    "empathy": "mind",
}


def collect(folder: Path) -> dict[str, int]:
    """Write every file into ``folder``: file name -> rows."""
    folder.mkdir(parents=True, exist_ok=True)
    asked, pages = list(instructions()), list(web())
    cut = example_models.tokenizer(page["text"] for page in pages)
    cut.save(str(folder / "tokenizer.json"))
    files: dict[str, list[dict[str, Any]]] = {
        "web.jsonl": pages,
        "formats.jsonl": list(example_models.formats(pages)),
        "taught.jsonl": list(example_models.taught(pages[:240], cut)),
        "crawl.jsonl": list(crawl()),
        "lego.jsonl": list(lego()),
        "instructions.jsonl": asked,
        "document_reports.jsonl": list(document_reports(asked)),
        "teacher_scores.jsonl": list(scores(asked, "teacher")),
        "student_scores.jsonl": list(scores(asked, "student")),
        "course.jsonl": list(course()),
        "answers.jsonl": list(answers()),
        "levels.jsonl": list(levels()),
        "tasks.jsonl": list(tasks()),
        "skills.jsonl": list(skill_texts()),
        "speech.jsonl": list(speech()),
        "agents.jsonl": list(agents()),
        "target.jsonl": list(target()),
        "benchmark.jsonl": list(benchmark()),
        "skill_losses.jsonl": list(skill_losses()),
        "domain_losses.jsonl": list(domain_losses()),
        "runs.jsonl": list(runs()),
        "alignments.jsonl": list(alignments(sorted(TOPICS))),
        "probes.jsonl": list(probes(sorted(TOPICS))),
        **example_records.files(),
        **example_tables.files(),
        **example_worlds.files(),
        "learning_curve.jsonl": [{"size": n, "value": round(3.2 * n**-0.45 + 1.1, 6)} for n in (25, 50, 100, 200, 400)],
    }
    for name, rows in files.items():
        with (folder / name).open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    (folder / "skill_graph.json").write_text(json.dumps(LEGO_GRAPH, indent=1) + "\n", encoding="utf-8")
    example_models.topic_model(pages, folder / "topics.bin")
    words = [*COMMON, *(word for topic in TOPICS.values() for word in topic)]
    (folder / "words.arpa").write_text(example_models.word_model(words), encoding="utf-8", newline="\n")
    return {name: len(rows) for name, rows in files.items()}


def sentences(draw: Random, words: list[str], count: int) -> str:
    """Sentences of five to fourteen words, half of them of the topic."""
    made = []
    for _ in range(count):
        chosen = [draw.choice(words if draw.random() < 0.5 else COMMON) for _ in range(draw.randint(5, 14))]
        made.append(" ".join(chosen).capitalize() + ".")
    return " ".join(made)


def web(n: int = 1500) -> Iterable[dict[str, Any]]:
    """Pages with a topic, a loss, a perplexity, token losses of a small model, an embedding and two grades, which agree in part."""
    draw, judge = Random("web"), Random("grades")
    for i in range(n):
        topic = draw.choices(list(SHARES), list(SHARES.values()))[0]
        text = sentences(draw, TOPICS[topic], draw.randint(4, 14))
        loss = round(max(0.05, draw.gauss(2.0, 0.7)), 4)
        centre = list(TOPICS).index(topic)
        yield {
            "id": f"web-{i}",
            "text": text,
            "url": f"https://www.{topic}{draw.randint(1, 9)}.example.org/page/{i}?q=1",
            "topic": topic,
            "loss": loss,
            "perplexity": round(math.exp(loss) * draw.uniform(0.8, 1.25), 3),
            "token_losses": [round(draw.expovariate(1 / loss), 3) for _ in range(12)],
            "in_reach": [int(draw.random() < 0.7) for _ in range(12)],
            "embedding": [round(draw.gauss(3.0 if axis == centre else 0.0, 0.6), 4) for axis in range(len(TOPICS))],
            "edu": (grade := judge.randint(0, 5)),
            "facts": round(0.5 * grade / 5 + 0.5 * judge.random(), 3),
        }


def crawl(n: int = 500) -> Iterable[dict[str, Any]]:
    """Pages that were found several times: most once, some a few times, one as often as spam is. First each page, then what came again."""
    draw = Random("crawl")
    pages = []
    for i in range(n):
        topic = draw.choices(list(SHARES), list(SHARES.values()))[0]
        text = f"Page {i}. " + sentences(draw, TOPICS[topic], draw.randint(4, 14))
        times = 1200 if i == 0 else min(150, int(draw.paretovariate(1.1)))
        pages.append((times, topic, text))
    for copy in range(1200):
        for i, (times, topic, text) in enumerate(pages):
            if copy < times:
                yield {"id": f"crawl-{i}-{copy}", "text": text, "url": f"https://mirror{copy}.example.org/{topic}/{i}"}


LEGO_GRAPH = {
    "skill1": {"skill1": 1.0, "skill2": 0.0},
    "skill2": {"skill1": 0.5, "skill2": 1.0, "skill3": 0.5, "skill4": 0.5},
    "skill3": {"skill3": 1.0},
    "skill4": {"skill4": 1.0},
    "skill5": {"skill5": 1.0},
}
"""Which skill helps which (Skill-It's LEGO graph: the second is a prerequisite of the first, third and fourth)."""


def lego(a_skill: int = 260) -> Iterable[dict[str, Any]]:
    """LEGO sentences: a chain of five letters, clauses shuffled, the value of the letter that the skill names."""
    draw = Random("lego")
    seen: set[str] = set()
    for skill in range(5):
        made = 0
        while made < a_skill:
            letters = draw.sample("abcdefghijklmnopqrstuvwxyz", 5)
            value = draw.randint(0, 1)
            clauses, values = [f"{letters[0]} = val {value} , "], [value]
            for before, letter in pairwise(letters):
                keep = draw.randint(0, 1)
                clauses.append(f" {letter} = {'val' if keep else 'not'} {before} , ")
                values.append(values[-1] if keep else 1 - values[-1])
            draw.shuffle(clauses)
            text = f"Input: {''.join(clauses)[:-3]}. Output: {letters[skill]} = val {values[skill]}, "
            if text not in seen:
                seen.add(text)
                made += 1
                yield {"id": f"lego-{skill}-{made}", "text": text, "skill": f"skill{skill + 1}"}


def instructions(n: int = 900) -> Iterable[dict[str, Any]]:
    """Prompts and responses of several data sets, with steps, thoughts, neighbours and a perplexity."""
    draw = Random("instructions")
    rows: list[dict[str, Any]] = []
    for i in range(n):
        dataset = draw.choices(list(DATASETS), list(DATASETS.values()))[0]
        words = TOPICS[
            {"maths": "maths", "code": "code", "safety": "news"}.get(dataset, draw.choice(["books", "encyclopedia"]))
        ]
        a, b = draw.randint(2, 99), draw.randint(2, 99)
        rows.append(
            {
                "id": f"instruction-{i}",
                "prompt": f"{sentences(draw, words, 1)} What is {a} times {b}?",
                "text": f"It is {a * b}. {sentences(draw, words, 2)}",
                "dataset": dataset,
                "ability": dataset if dataset in ("maths", "code") else "general",
                "kind": draw.choice(["instruction", "preference"]),
                "perplexity": round(draw.uniform(3, 40), 3),
                "thoughts": [f"Maybe {a * b + draw.randint(1, 9)}.", f"Rather {a * b}."],
                "steps": [f"{a} times {b} is asked.", f"{a} * {b} = {a * b}."],
            }
        )
    for i, row in enumerate(rows):
        near = draw.sample([j for j in range(n) if j != i], 4)
        row["neighbours"] = [f"{rows[j]['prompt']}\n{rows[j]['text']}" for j in near]
        row["similarities"] = [str(round(draw.uniform(0.2, 0.95), 3)) for _ in near]
        yield row


def course() -> Iterable[dict[str, Any]]:
    """Questions by subject, stage, concept and Bloom level (CORGI)."""
    draw = Random("course")
    for subject, concepts in SUBJECTS.items():
        for stage in STAGES:
            for concept in concepts:
                for level in BLOOM:
                    for copy in range(draw.randint(3, 6)):
                        yield {
                            "id": f"{subject}-{stage}-{concept}-{level}-{copy}",
                            "prompt": f"{level[2:].capitalize()} {concept} ({subject}): {sentences(draw, [concept, subject], 1)}",
                            "text": sentences(draw, [concept, subject, *COMMON], 2),
                            "subject": subject,
                            "stage": stage,
                            "concept": concept,
                            "bloom": level,
                        }


def answers(prompts: int = 150) -> Iterable[dict[str, Any]]:
    """Several sampled answers to each prompt, right or wrong, with a reward for each step (M-STaR), and the final answer
    that was extracted from each, which may have failed (Auto-CoT)."""
    draw = Random("answers")
    extracted = Random("extracted answers")
    for p in range(prompts):
        a, b = draw.randint(10, 999), draw.randint(10, 999)
        for k in range(5):
            right = draw.random() < 0.5
            said = a + b if right else a + b + draw.randint(1, 9)
            # What an extraction finds: the number, nothing, or one of the question.
            answer = extracted.choices([str(said), "", str(a)], [0.6, 0.2, 0.2])[0]
            yield {
                "id": f"answer-{p}-{k}",
                "prompt": f"What is {a} plus {b}? {sentences(draw, TOPICS['maths'], 1)}",
                "text": f"{sentences(draw, TOPICS['maths'], 2)} So {said}.",
                "question": f"q{p}",
                "answer": answer,
                "correct": int(right),
                "step_rewards": [round(draw.random(), 3) for _ in range(3)],
                "rationale": f"{a} and {b} are added.\nThe sum is {a + b}.",
                "embedding": [round(draw.gauss(p % 4, 0.2), 3), round(draw.gauss(-(p % 4), 0.2), 3)],
            }


def levels(a_level: int = 120) -> Iterable[dict[str, Any]]:
    """Parity of words with 2 to 7 digits: levels of difficulty."""
    draw = Random("levels")
    for length in range(2, 8):
        for i in range(a_level):
            bits = [draw.randint(0, 1) for _ in range(length)]
            text = f"{sentences(draw, COMMON, 1)} bits {' '.join(map(str, bits))} parity {sum(bits) % 2}"
            yield {
                "id": f"level-{length}-{i}",
                "text": text,
                "level": f"N{length}",
                "loss": round(0.3 * length + draw.random(), 3),
            }


def tasks(a_task: int = 90) -> Iterable[dict[str, Any]]:
    """A stream of tasks by data set and class (FoMo-in-Flux), and pre-training pairs."""
    draw = Random("tasks")
    for dataset, classes in {
        "birds": ["finch", "owl", "wren"],
        "cars": ["coupe", "van"],
        "food": ["bread", "soup", "pie"],
    }.items():
        for name in classes:
            for i in range(a_task):
                text = f"A photo of a {name}. {sentences(draw, [name, dataset], 2)}"
                yield {"id": f"{dataset}-{name}-{i}", "text": text, "task": f"{dataset}+++{name}", "dataset": dataset}
    for i in range(4 * a_task):
        yield {
            "id": f"pretraining-{i}",
            "text": sentences(draw, TOPICS["news"], 3),
            "task": "pretraining",
            "dataset": "pretraining",
        }


def skill_texts(n: int = 600) -> Iterable[dict[str, Any]]:
    """Texts that show one, two or three skills at once (SKILL-MIX)."""
    draw = Random("skills")
    for i in range(n):
        shown = sorted(draw.sample(sorted(SKILLS), draw.randint(1, 3)))
        yield {
            "id": f"skills-{i}",
            "text": f"{' and '.join(shown)}: {sentences(draw, TOPICS['books'], 3)}",
            "skills": shown,
        }


def speech(n: int = 500) -> Iterable[dict[str, Any]]:
    """Transcripts, translations and captions with Qwen-Audio's slots, and plain text."""
    draw = Random("speech")
    for i in range(n):
        modality = draw.choice(["text", "image", "speech"])
        task = {"speech": draw.choice(["transcribe", "translate"]), "image": "caption", "text": "question"}[modality]
        yield {
            "id": f"speech-{i}",
            "text": sentences(draw, TOPICS[draw.choice(list(TOPICS))], 2),
            "modality": modality,
            "start": "startoftranscript" if task in ("transcribe", "translate") else "startofanalysis",
            "audio_language": draw.choice(["en", "de", "fr"]) if modality == "speech" else None,
            "task": task,
            "text_language": draw.choice(["en", "zh"]) if task == "translate" else "en",
            "timestamps": "notimestamps",
            "format": {"transcribe": "wo_itn", "translate": "itn", "caption": "caption_clotho", "question": "open"}[
                task
            ],
        }


def agents(n: int = 450) -> Iterable[dict[str, Any]]:
    """Tool-use trajectories, each for one role (planner, caller, summariser)."""
    draw = Random("agents")
    for i in range(n):
        role = draw.choice(["caller", "planner", "summariser"])
        yield {
            "id": f"agents-{i}",
            "prompt": sentences(draw, TOPICS["news"], 1),
            "text": f"As {role}: {sentences(draw, TOPICS['code'], 2)}",
            "role": role,
        }


def target(n: int = 400) -> Iterable[dict[str, Any]]:
    """Texts of the kind that is wanted: medicine."""
    draw = Random("target")
    for i in range(n):
        yield {"id": f"target-{i}", "text": sentences(draw, TOPICS["medicine"], 10)}


def benchmark(planted: int = 10, n: int = 30) -> Iterable[dict[str, Any]]:
    """Items of a benchmark: prompts and answers of some instructions, which leaked, and others that nobody has seen."""
    draw = Random("benchmark")
    rows = [row for row in instructions() if row["dataset"] == "wizard"][:planted]
    for i, row in enumerate(rows):
        yield {"id": f"leaked-{i}", "prompt": row["prompt"], "text": row["text"]}
    for i in range(n):
        a, b = draw.randint(100, 999), draw.randint(100, 999)
        question = f"{sentences(draw, TOPICS['maths'], 1)} What is {a} times {b}?"
        yield {"id": f"item-{i}", "prompt": question, "text": f"It is {a * b}. {sentences(draw, TOPICS['maths'], 2)}"}


def domain_losses() -> Iterable[dict[str, Any]]:
    """A loss report of DoReMi's proxy and reference models: medicine and maths are still to be learned."""
    draw = Random("domains")
    for step in range(20):
        for topic in sorted(TOPICS):
            excess = {"medicine": 0.4, "maths": 0.3}.get(topic, 0.02) + draw.uniform(0, 0.05)
            yield {
                "run_id": "proxy",
                "round": 0,
                "step": step,
                "eval_index": step,
                "group": topic,
                "loss": round(2 + excess, 4),
                "ref_loss": 2.0,
            }


def runs(n: int = 160) -> Iterable[dict[str, Any]]:
    """Proxy runs (RegMix, Olmix): mixtures and losses, least with much medicine and some encyclopedia."""
    draw = Random("runs")
    topics = sorted(TOPICS)
    for _ in range(n):
        raw = [draw.gammavariate(1, 1) for _ in topics]
        mixture = {topic: round(x / sum(raw), 6) for topic, x in zip(topics, raw, strict=True)}
        medicine = math.exp(0.4) + math.exp(-1.6 * mixture["medicine"] - 0.3 * mixture["encyclopedia"])
        general = math.exp(0.2) + math.exp(
            -0.9 * mixture["encyclopedia"] - 0.6 * mixture["books"] + 0.2 * mixture["code"]
        )
        yield {**mixture, "medicine_loss": round(medicine, 6), "general_loss": round(general, 6)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the data of the method recipes.")
    parser.add_argument("folder", type=Path, help="where to write, e.g. examples")
    for name, rows in collect(parser.parse_args().folder).items():
        print(f"{rows:>6} rows  {name}")


if __name__ == "__main__":
    main()

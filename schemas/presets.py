"""Whole published pipelines as presets of `clean`: what paper, and which version of which code, each one follows.

A preset is the cleaning of single documents, and what its pipeline ignores when texts are compared (`dedup.minhash.normalise`).
What a pipeline does besides stands in the recipe: its models and lists are files that the user names.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

PresetName = Literal["gopher", "c4", "fineweb-v1", "fineweb-2024", "fineweb-2-2025", "dclm-baseline", "dolma-v1.6"]


class Preset(NamedTuple):
    """paper: where it is described; code: which version of which code it equals; differs: where it does not; clean: the
    settings; normalise: those of `dedup.minhash.normalise`, none where the pipeline has no near duplicates of its own."""

    paper: str
    code: str
    differs: str
    clean: dict[str, Any]
    normalise: dict[str, bool] = {}


FRENCH = [
    "de",
    "la",
    "le",
    "et",
    "à",
    "en",
    "l'",
    "des",
    "du",
    "les",
    "est",
    "d'",
    "un",
    "une",
    "il",
    "dans",
    "par",
    "au",
]
GERMAN = ["der", "und", "die", "in", "von", "im", "den", "des", "mit", "das", "er", "dem", "als", "wurde", "für"]
SPANISH = ["de", "la", "en", "el", "y", "a", "que", "del", "los", "se", "por", "un", "con", "una", "las", "su"]


def _n_grams(*shares: float) -> tuple[dict[int, float], dict[int, float]]:
    return dict(zip((2, 3, 4), shares[:3], strict=True)), dict(zip(range(5, 11), shares[3:], strict=True))


def _fineweb_2() -> list[Any]:
    tuned = {
        "fr": (0.264, _n_grams(0.161, 0.149, 0.134, 0.15, 0.141, 0.131, 0.121, 0.111, 0.1), 0.1, 0.185, 2, 11, 0.812, FRENCH),
        "de": (0.263, _n_grams(0.169, 0.153, 0.137, 0.141, 0.134, 0.126, 0.117, 0.108, 0.098), 0.0, 0.152, 0, 15, 0.774, GERMAN),
        "es": (0.265, _n_grams(0.077, 0.097, 0.112, 0.152, 0.137, 0.123, 0.114, 0.107, 0.099), 0.3, 0.171, 4, 14, 0.825, SPANISH),
    }  # fmt: skip
    return [
        {
            "name": "gopher_repetition",
            "max_dup_para_frac": 0.3,
            "max_dup_line_char_frac": None,
            "by_language": {
                k: {"max_dup_line_frac": v[0], "top_n_grams": v[1][0], "dup_n_grams": v[1][1]} for k, v in tuned.items()
            },
        },
        {
            "name": "fineweb",
            "max_short_line_ratio": None,
            "max_char_dup_ratio": 0.1,
            "by_language": {k: {"min_line_punct_ratio": v[2], "max_list_ratio": v[3]} for k, v in tuned.items()},
        },
        {
            "name": "gopher_quality",
            "by_language": {
                k: {
                    "min_avg_word_length": v[4],
                    "max_avg_word_length": v[5],
                    "min_alpha_words_ratio": v[6],
                    "stop_words": v[7],
                }
                for k, v in tuned.items()
            },
        },
    ]


FINEWEB_NORMALISE = {"case": True, "accents": True, "punctuation": True, "digits": True, "whitespace": True}
FINEWEB_PII = {"emails": "mask", "ips": "mask"}

PRESETS: dict[PresetName, Preset] = {
    "gopher": Preset(
        "Rae et al. 2021, Scaling Language Models: Methods, Analysis & Insights from Training Gopher, table A1",
        "datatrove 0.10.1: GopherRepetitionFilter, GopherQualityFilter",
        "words are runs between white space",
        {"rules": ["gopher_repetition", "gopher_quality"]},
    ),
    "c4": Preset(
        "Raffel et al. 2020, Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer, section 2.2",
        "tensorflow_datasets: text/c4_utils.py",
        "language by fastText at 0.65, where it has langdetect at 0.99; its bad words need a list (rules: bad_words), its lines across documents "
        "are dedup.paragraphs; sentences as spaCy has them",
        {
            "language": {"keep": ["en"], "min_score": 0.65},
            "rules": [
                {
                    "name": "c4",
                    "end_marks": '.?!"',
                    "min_words_per_line": 5,
                    "words_after_citations": True,
                    "min_sentences": 3,
                    "max_chars": 190_000,
                }
            ],
        },
    ),
    "fineweb-v1": Preset(
        "Penedo et al. 2024, The FineWeb Datasets: Decanting the Web for the Finest Text Data at Scale",
        "datatrove 0.2: examples/fineweb.py",
        "empty lines repeat each other, as they did in that code: its texts had none; words are runs between white space, "
        "not NLTK's; sentences as spaCy has them; its URL lists are the user's "
        "(rules: url_filter); addresses are masked by constants",
        {
            "language": {"keep": ["en"], "min_score": 0.65},
            "rules": [
                {"name": "gopher_repetition", "empty_lines": True},
                {"name": "gopher_quality", "count_stop_words": "occurrences"},
                {"name": "c4", "terminal_punctuation": False},
                "fineweb_v1",
            ],
            "pii": FINEWEB_PII,
        },
        FINEWEB_NORMALISE,
    ),
    "fineweb-2024": Preset(
        "Penedo et al. 2024, The FineWeb Datasets: Decanting the Web for the Finest Text Data at Scale",
        "datatrove 0.10.1: the filters of examples/fineweb.py with their defaults of today",
        "words are runs between white space, not spaCy's; its URL lists are the user's (rules: url_filter); addresses "
        "are masked by constants",
        {
            "language": {"keep": ["en"], "min_score": 0.65},
            "rules": [
                "gopher_repetition",
                "gopher_quality",
                {"name": "c4", "terminal_punctuation": False},
                "fineweb",
            ],
            "pii": FINEWEB_PII,
        },
        FINEWEB_NORMALISE,
    ),
    "fineweb-2-2025": Preset(
        "Penedo et al. 2025, FineWeb2: One Pipeline to Scale Them All",
        "huggingface/fineweb-2: fineweb-2-pipeline.py, configs fra_Latn, deu_Latn, spa_Latn",
        "French, German and Spanish alone; language by lid.176, not GlotLID, at the lowest of the three scores; words "
        "are runs between white space; it removes near duplicates before it filters",
        {
            "language": {"keep": ["fr", "de", "es"], "min_score": 0.821},
            "rules": _fineweb_2(),
            "pii": FINEWEB_PII,
        },
        FINEWEB_NORMALISE,
    ),
    "dclm-baseline": Preset(
        "Li et al. 2024, DataComp-LM: In Search of the Next Generation of Training Sets for Language Models, appendix",
        "mlfoundations/dclm: dclm_baseline_refinedweb.yaml",
        "its URL lists are the user's (rules: url_filter), its classifier a model file (clean.classifier, min_score "
        "0.018112); one definition of words for all rules, where DCLM has two; the step that strips URLs, which by a slip "
        "works only at the start of a page, is left out",
        {
            "normalisers": {"blank_lines": True},
            "language": {"keep": ["en"], "min_score": 0.65},
            "rules": ["dclm_quality", "dclm_repetition", "refinedweb_lines"],
        },
    ),
    "dolma-v1.6": Preset(
        "Soldaini et al. 2024, Dolma: an Open Corpus of Three Trillion Tokens for Language Model Pretraining Research",
        "allenai/dolma: taggers gopher_v1 and c4_v2, mix of v1.6",
        "empty lines repeat each other, as in that code: its texts had none; language of the text as it is, not in lower case; repeated tokens are not looked for; the rules on the most "
        "frequent n-gram are off, as they were by a slip in the mix",
        {
            "language": {"keep": ["en"], "min_score": 0.5},
            "rules": [
                {"name": "dolma_gopher", "top_n_grams": {}},
                {
                    "name": "c4",
                    "whole_document": True,
                    "end_marks": '.?!"',
                    "ellipsis_ends_no_line": False,
                    "max_word_length": None,
                    "remove_citations": False,
                    "policy": False,
                    "min_sentences": None,
                },
            ],
            "pii": {"emails": "mask", "ips": "mask", "phones": "mask"},
        },
    ),
}


def fill_in(clean: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The section `clean` with its preset's settings where it has none of its own; as it is where none is known.

    A form sends every field, filled with its default: where all that the preset would set are so, none of them is the
    user's. defaults: of the section, as plain data.
    """
    preset = PRESETS.get(clean.get("preset"))  # type: ignore[arg-type]
    if preset is None:
        return clean
    if all(_is_default(clean[key], defaults[key]) for key in preset.clean if key in clean):
        return {**clean, **preset.clean}
    return {**preset.clean, **clean}


def fill_in_normalise(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe, as plain data, with what its preset ignores when texts are compared, where it says nothing itself."""
    clean, dedup = recipe.get("clean"), recipe.get("dedup", {})
    preset = PRESETS.get(clean.get("preset")) if isinstance(clean, dict) else None  # type: ignore[arg-type]
    if preset is None or not preset.normalise or not isinstance(dedup, dict):
        return recipe
    minhash = dedup.get("minhash", {})
    if not isinstance(minhash, dict) or minhash.get("normalise") is not None:
        return recipe
    return {**recipe, "dedup": {**dedup, "minhash": {**minhash, "normalise": preset.normalise}}}


def _is_default(value: Any, default: Any) -> bool:
    """Whether plain data say no more than the default does: a mapping may leave fields out."""
    if isinstance(value, dict) and isinstance(default, dict):
        return all(key in default and _is_default(one, default[key]) for key, one in value.items())
    return bool(value == default)

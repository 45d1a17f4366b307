"""Mixers: group sizes to weights that sum to 1. Told apart by `method`; `proportional` where it is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from schemas.groups import SEPARATOR, joined
from schemas.section import Section

Label = str
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Rounding = Literal["largest_remainder", "last_takes_rest", "in_order", "late_ties", "random", "floor"]


class Mixer(Section):
    """What every mixture says of its groups."""

    by: str | Annotated[list[str], Field(min_length=2)] = "source"
    """A declared tag or built-in name; documents with the same label are a group. Of several names each combination is one, its
    labels joined by a slash (one within a label is written `%2F`, a percent sign `%25`)."""
    inside: Mixture | None = None
    """How what a group gets is mixed inside it, over the groups of the mixture's own `by`: topics first, then steps of quality.
    `exhausted`, `max_epochs` and `rounding` are then those of the innermost mixture."""
    exhausted: Literal["repeat", "redistribute", "stop"] = "repeat"
    """A group that has less than its weight asks: repeat it (up to max_epochs), give the rest to the others,
    or stop short."""
    max_epochs: Annotated[float, Field(gt=0)] | None = 4
    """How often a document may stand in a phase at most; null is without limit (4: Muennighoff et al. 2023). A phase
    that is given as more `epochs` than this gives each document so many."""
    rounding: Rounding = "largest_remainder"
    """How a budget in records becomes whole counts. Besides largest_remainder, for comparison with official code:
    last_takes_rest (Skill-It, Aioli), in_order (FoMo-in-Flux), late_ties and random (MosaicML Streaming), floor (DMT,
    TÜLU 3; may come out short). Groups are in sorted order; a weight of 0 gives 0 in each."""

    @property
    def grouping(self) -> str:
        """The name of all groups, of this mixture and those inside it: names joined by a slash, as labels are."""
        return SEPARATOR.join(self.names())

    def names(self) -> list[str]:
        """The names that this mixture and those inside it group by, the outermost first."""
        return [name for level in self.levels() for name in ([level.by] if isinstance(level.by, str) else level.by)]

    @property
    def innermost(self) -> Mixer:
        """The mixture that says what one of the groups gives: the last of those inside."""
        return self if self.inside is None else self.inside.innermost

    def levels(self) -> Iterator[Mixer]:
        """The mixture, the one inside it, and so on."""
        yield self
        if self.inside is not None:
            yield from self.inside.levels()

    @model_validator(mode="after")
    def _innermost_says(self) -> Mixer:
        if self.inside is not None:
            said = sorted({"exhausted", "max_epochs", "rounding"} & self.model_fields_set)
            plain = {name: type(self).model_fields[name].default for name in said}
            if any(getattr(self, name) != default for name, default in plain.items()):
                raise ValueError(f"{said[0]} is said of the groups of the innermost mixture; write inside.{said[0]}")
        if isinstance(self.inside, Moving):
            raise ValueError("a mixture that moves stands inside no other; group by several names: by: [topic, step]")
        names = self.names()
        if len(set(names)) < len(names):
            raise ValueError(f"names {max(names, key=names.count)!r} twice, in `by` or inside")
        return self


class Online(Mixer):
    """A mixture that follows the trainer's loss report."""

    without_losses: Literal["refuse", "hold"] = "refuse"
    """With no loss report: an error, or the weights of the last phase or release (those of the start where there is
    none). The first round of `rounds` needs none."""
    split: str | None = None
    """The report's split that counts; null is `valid` where there is one, else the only one."""


class Proportional(Mixer):
    """p_i ∝ what group i holds: documents where the phase's budget is in records, else tokens."""

    method: Literal["proportional"] = "proportional"
    """Groups weigh what they hold."""


def _flat(weights: Mapping[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, float]]:
    for label, weight in weights.items():
        if isinstance(weight, Mapping):
            yield from _flat(weight, (*before, joined((label,))))
        else:
            yield SEPARATOR.join([*before, joined((label,)) if before else label]), weight


class Fixed(Mixer):
    """Weights as given."""

    method: Literal["fixed"]
    """The weights stand in the recipe."""
    weights: dict[Label, Weight | dict[Label, Weight]]
    """Label -> weight; they sum to 1, and every label is a group of the pool. With `by: [topic, step]` a label may hold the weights
    of its steps: topic -> step -> weight."""

    def of_labels(self) -> dict[Label, float]:
        """The weights by whole label: one level, labels joined."""
        return dict(_flat(self.weights))


class Uniform(Mixer):
    """The same weight for each group (stratified sampling; Skill-It's strongest simple baseline)."""

    method: Literal["uniform"]
    """Groups weigh alike."""
    labels: list[Label] | None = None
    """The groups that take part; null: all that the pool has."""


class Temperature(Mixer):
    """p_i ∝ n_i^(1/T); n counts documents where the phase's budget is in records, else tokens."""

    method: Literal["temperature"]
    """Flattens (T > 1) or sharpens (T < 1) the natural proportions."""
    temperature: Positive = 2.0
    """T: 1 is proportional, large is uniform. An exponent of 0.5 (RegMix's TEMP) is T = 2."""


class UniMax(Mixer):
    """As uniform as the budget allows, no group more than a number of epochs (Chung et al. 2023)."""

    method: Literal["unimax"]
    """Uniform over the budget, capped in epochs."""
    epochs: Positive = 4.0
    """N: passes over a group at most; the rest of its fair share goes to the greater groups. A phase that asks more than
    N passes over all of them stops there, and says so."""
    max_epochs: Annotated[float, Field(gt=0)] | None = None
    """How often a document may stand in a phase at most, besides `epochs`; null: `epochs` alone."""


class Zipf(Mixer):
    """p(k) ∝ k^(−α) over the groups' ranks (Reddy 2024, in-context against in-weights learning)."""

    method: Literal["zipf"]
    """A power law over ranks."""
    exponent: Annotated[float, Field(ge=0)] = 1.0
    """α: 0 is uniform."""
    ranks: list[Label] | None = None
    """The groups from rank 1 on; null ranks them by what they hold, most first, ties by label."""


class Pools(Mixer):
    """Weights of named pools of groups; within a pool groups weigh what they hold (FoMo-in-Flux's three ways)."""

    method: Literal["pools"]
    """Weights for sets of groups."""
    pools: dict[str, list[Label]]
    """Pool -> its labels; no label stands in two pools. Groups in none have weight 0."""
    weights: dict[str, Weight]
    """Pool -> weight; they sum to 1. The weight of a pool without documents goes to the others in proportion."""

    @model_validator(mode="after")
    def _nothing_inside(self) -> Pools:
        if self.inside is not None:
            raise ValueError("the groups of a pool weigh what they hold: leave out inside")
        return self


class PowerLawRehearsal(Mixer):
    """w_i = age_i^(−b): tasks met long ago are rehearsed seldom, by a power law of their age."""

    method: Literal["power_law_rehearsal"]
    """A power law of the time since a task was met."""
    tasks: Annotated[list[Label], Field(min_length=1)]
    """The tasks in the order they were met; the last has age 1. Groups that are not named have weight 0."""
    exponent: Annotated[float, Field(ge=0)] = 1.0
    """b: 0 is uniform replay."""


class ExponentialRehearsal(Mixer):
    """w_i = e^(−age_i / τ): the control of power-law rehearsal."""

    method: Literal["exponential_rehearsal"]
    """An exponential of the time since a task was met."""
    tasks: Annotated[list[Label], Field(min_length=1)]
    """The tasks in the order they were met; the last has age 1. Groups that are not named have weight 0."""
    tau: Positive = 3.0
    """τ, in stages."""


class SkillIt(Online):
    """p_i ∝ exp(η Σ_τ Σ_j A_ij L_j(f_τ)): skills that others build on, and whose dependents are not learned yet."""

    method: Literal["skill_it"]
    """Skill-It (Chen et al. 2023), Algorithm 1."""
    graph: dict[Label, dict[Label, float]] | str | None = None
    """A: training skill -> {evaluation skill: weight}, here or in a JSON file. Training on the first helps the second."""
    probes: str | None = None
    """A JSON-lines, Parquet or CSV file of probe losses to learn the graph from: columns trained, group, loss. `trained`
    is empty for the starting model, a skill, or `a+b` for two skills together."""
    algorithm: Literal["approximate", "brute_force", "relative"] = "approximate"
    """How probes become a graph: Algorithm 3 (one run a skill), Algorithm 2 (one run a pair), or the gain as a part of the starting model's
    loss, negative ones too (one run a skill; Aioli's code)."""
    unit_diagonal: bool = False
    """Every skill helps itself by 1, whatever the graph says (the official code, of graphs in files)."""
    binarise: bool = False
    """Only the graph's structure counts: 1 on the diagonal, 0.5 for every positive edge (as for LEGO and addition)."""
    eta: Positive = 0.5
    """η."""
    online: bool = False
    """false: the first round's weights from the graph alone (static). true: with the losses of the report."""
    window: Annotated[int, Field(ge=1)] = 3
    """w: evaluation checkpoints of the report that count, the latest ones."""
    aggregate: Literal["sum", "mean"] = "sum"
    """Over the window: sum in pre-training, mean in fine-tuning towards a target (official code)."""
    normalise: bool = False
    """Each skill's losses are divided by its loss at the report's second evaluation (official code, `normalize_loss`)."""
    eta_schedule: bool = False
    """η is divided by how much of the first evaluation's total loss is left at the last (official code): it grows as losses fall."""
    isolated: Literal["by_formula", "equal"] = "by_formula"
    """Skills that neither help another nor are helped: as the formula has them, or 1 / k each, the others sharing the rest (official code)."""

    @model_validator(mode="after")
    def _one_graph(self) -> SkillIt:
        if (self.graph is None) == (self.probes is None):
            raise ValueError("give either graph, or probes to learn it from")
        return self


class DoReMi(Online):
    """Group-DRO on excess loss (Xie et al. 2023): log w += η λ, smoothed; the result is the average over all steps."""

    method: Literal["doremi"]
    """DoReMi's domain weights from a report with loss and ref_loss."""
    eta: Positive = 1.0
    """η, the step size."""
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 1e-4
    """c: w ← (1 − c) w + c / k."""
    start: Literal["uniform", "proportional"] = "uniform"
    """The weights before the first step."""
    average: bool = True
    """The average of the weights over all steps (the paper's result); false takes the last."""


class Proxied(Mixer):
    """A mixture that reads runs of proxy models."""

    swarm: str | None = None
    """`swarm.parquet` of `syllabus swarm`. Tables of runs are then loss reports of its runs (`run_id` the run's number or its
    release), of which each run's last losses count; the column of a group's loss is `loss_GROUP`."""
    regrouped: dict[Label, Label | Annotated[list[Label], Field(min_length=1)]] = {}
    """Groups of the tables that are groups no more -> the group that they are part of now, or those that they were cut into, which
    then stood in the runs in their natural proportions."""


class Learned(Online, Proxied):
    """An online mixture that says which groups help, and so ranks other mixtures."""

    check: str | None = None
    """A table (CSV, JSON lines, Parquet) of runs: a column of weights for each group, and the loss. `plan` and the report say
    how well what was learned ranks them."""
    check_target: str = "loss"
    """Column of `check` that holds the loss."""


class DoGE(Learned):
    """w ∝ w exp(s / μ), s the alignment of a domain's gradient with the target's (Fan et al. 2024)."""

    method: Literal["doge"]
    """DoGE's domain weights from a report with a column `alignment`: ⟨g_i, g_val⟩ / mean norm."""
    learning_rate: Positive = 0.01
    """s = learning rate · alignment, clipped to [0, 5 · learning rate]."""
    mu: Positive = 0.01
    """μ, the Bregman coefficient."""
    start: Literal["uniform", "proportional"] = "uniform"
    """The weights before the first step."""
    average: bool = True
    """The average of the weights over all steps; false takes the last."""


class Aioli(Learned):
    """p ∝ exp(η Σ_i A_ij), A from probe mixtures (Chen et al. 2025)."""

    method: Literal["aioli"]
    """Aioli's mixture from a report of probes: columns probe (the domain that the probe favours), group, ref_loss
    (before the probe) and loss (after it), by round."""
    eta: Positive = 0.2
    """η."""
    one_hot: Annotated[float, Field(gt=0, le=1)] = 0.625
    """o: a probe puts o on one domain and (1 − o) / (k − 1) on each other."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """e: weight of the matrix before; 0 carries the weights over instead (p ← p exp(…))."""


class Moving(Mixer):
    """From one mixture to another over the phase: w(t) = (1 − s(t)) u + s(t) v, t from 0 to 1 the share of its budget."""

    method: Literal["moving"]
    """Weights that move with position. What the phase draws is their mean; when a group's documents come follows from the weights."""
    start: Mixture
    """u, over the same groups: a mixture without a `by` of its own."""
    end: Mixture
    """v, over the same groups: a mixture without a `by` of its own."""
    shape: Literal["linear", "cosine", "step"] = "linear"
    """s(t): t, (1 − cos πt) / 2, or 0 before `at` and 1 from there on."""
    at: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Where a step is, as a share of the phase."""

    @model_validator(mode="after")
    def _same_groups(self) -> Moving:
        for name in ("start", "end"):
            one: Mixer = getattr(self, name)
            if one.by not in ("source", self.by) or one.inside is not None or isinstance(one, Moving):
                raise ValueError(
                    f"{name} is of the same groups: leave out its `by` and `inside`, and let it not move itself"
                )
        if self.inside is not None:
            raise ValueError("what moves has no mixture inside; group by several names: by: [topic, step]")
        return self


class QualityCurve(Mixer):
    """Copies that never fall with quality: f(x) = C x^p e^(λx) over the groups in ascending order (Dolma 3)."""

    method: Literal["quality_curve"]
    """Dolma 3's power-exponential curve, fitted to the budget under a cap."""
    max_epochs: Annotated[float, Field(gt=0)] | None = 7
    """M: copies of the best group at most."""
    throwaway: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the tokens, the lowest groups, that is left out: whole groups, as many as fit in it."""


class Sigmoid(Mixer):
    """Copies S(r) = (2 / (1 + e^(−λ(ω − r))))^η + ε by rank share r, 0 the best (QuaDMix)."""

    method: Literal["sigmoid"]
    """QuaDMix's sampling function. A phase without a budget gives each group as many copies as it says."""
    max_epochs: Annotated[float, Field(gt=0)] | None = None
    """How often a document may stand in a phase at most; null: as often as the function says."""
    slope: Annotated[float, Field(ge=0)] = 10.0
    """λ: how fast copies fall near ω."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    """ω: the rank share from which on only ε is taken."""
    exponent: Annotated[float, Field(ge=0)] = 1.0
    """η: 0 is the same for all ranks up to ω."""
    rest: Annotated[float, Field(ge=0)] = 0.0
    """ε: what is taken of every rank at least."""


class Repetitions(Mixer):
    """w_i ∝ what group i holds x its factor: copies as a table gives them (FineWeb-2's rehydration by `copies`)."""

    method: Literal["repetitions"]
    """Factors by label. A phase without a budget gives each group as many copies as its factor says."""
    max_epochs: Annotated[float, Field(gt=0)] | None = None
    """How often a document may stand in a phase at most; null: as often as the table says."""
    factors: Annotated[dict[Label, Weight], Field(min_length=1)] = {
        "1": 1.0, "2": 2.0, "3": 3.0, "5": 5.0, "100": 8.0, "1000": 1.0
    }  # fmt: skip
    """Label -> copies. Where labels are numbers, as those of `copies`, the greatest that is not above a group's counts; else the
    label itself, and a group that is not named has 0. The default is FineWeb-2's."""


class Fitted(Proxied):
    """A mixture by a fit to proxy runs."""

    check: str | None = None
    """A file as `runs`, of runs that the fit does not see: `plan` and the report say how well it foretells their losses."""
    frozen: Annotated[dict[Label, Weight], Field(min_length=2)] | None = None
    """Groups that did not change since they were last mixed, with the weights that they had: they count as one, whose share alone is
    fitted, and which these weights divide. Runs from before are read as they are, their weights of these groups added (Olmix, reuse)."""


class Law(Fitted):
    """A law of the loss that is given, or fitted to proxy runs."""

    law: str | None = None
    """A JSON file with the fitted law."""
    runs: str | None = None
    """Else a table of proxy runs to fit it to: a column of weights for each group, one of losses for each target."""
    targets: dict[str, Positive] = {}
    """Task (a column of `runs`, or its place in the law, from 0) -> its weight in the sum that is minimised; empty: all
    tasks of the law alike."""

    @model_validator(mode="after")
    def _one_law(self) -> Law:
        if (self.law is None) == (self.runs is None):
            raise ValueError("give either law, or runs to fit it to")
        if self.runs is not None and not self.targets:
            raise ValueError("targets names the columns of runs that hold losses")
        if self.frozen is not None and self.runs is None:
            raise ValueError("frozen is of a fit to runs; a law is given here")
        if self.check is not None and self.runs is None:
            raise ValueError("check is of a fit to runs; a law is given here")
        return self


class RegMix(Fitted):
    """A regression from mixtures to loss, and the best of many simulated mixtures (Liu et al. 2025)."""

    method: Literal["regmix"]
    """RegMix; needs the extra `regmix` (LightGBM)."""
    runs: str
    """A table (CSV, JSON lines, Parquet) of proxy runs: a column of weights for each group, and the loss."""
    target: str
    """The column with the loss that is to be low."""
    simulations: Annotated[int, Field(ge=1)] = 100_000
    """Mixtures drawn from Dirichlet(prior)."""
    best: Annotated[int, Field(ge=1)] = 128
    """Mixtures of least predicted loss that are averaged."""
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the runs, at least one, that decides when a regression stops growing (the notebook uses its test split). Each part
    of the runs decides once, and the regressions' mean counts."""


class MixingLaw(Law):
    """L_j = a_j exp(Σ_i x_i m_ij) + b_j, minimised over the simplex (Ye et al. 2024)."""

    method: Literal["mixing_law"]
    """Data-mixing laws."""
    law: str | None = None
    """A JSON file with the fitted law: labels, a (one a task), b, m (a row a label, a column a task)."""


class Olmix(Law):
    """min Σ_i w_i exp(t_i · x) + κ KL(x ‖ prior), capped by what groups can repeat (Olmix)."""

    method: Literal["olmix"]
    """Olmix: a log-linear law for each task, with an exact minimum."""
    law: str | None = None
    """A JSON file with the fitted law: labels, and t (a row a task, a column a label)."""
    kl: Annotated[float, Field(ge=0)] = 0.05
    """κ: how hard the weights are held to the prior."""
    prior: dict[Label, Weight] | None = None
    """The weights to stay near; null: the natural proportions."""
    repetition: Positive | None = 4.0
    """Passes over a group at most: x_j ≤ n_j · repetition / budget, n in the budget's unit; null is without cap."""


def _method(value: Any) -> Any:
    return value.get("method", "proportional") if isinstance(value, dict) else getattr(value, "method", None)


Mixture = Annotated[
    Annotated[Proportional, Tag("proportional")]
    | Annotated[Fixed, Tag("fixed")]
    | Annotated[Uniform, Tag("uniform")]
    | Annotated[Temperature, Tag("temperature")]
    | Annotated[UniMax, Tag("unimax")]
    | Annotated[Zipf, Tag("zipf")]
    | Annotated[Pools, Tag("pools")]
    | Annotated[PowerLawRehearsal, Tag("power_law_rehearsal")]
    | Annotated[ExponentialRehearsal, Tag("exponential_rehearsal")]
    | Annotated[SkillIt, Tag("skill_it")]
    | Annotated[DoReMi, Tag("doremi")]
    | Annotated[DoGE, Tag("doge")]
    | Annotated[Aioli, Tag("aioli")]
    | Annotated[Moving, Tag("moving")]
    | Annotated[QualityCurve, Tag("quality_curve")]
    | Annotated[Sigmoid, Tag("sigmoid")]
    | Annotated[Repetitions, Tag("repetitions")]
    | Annotated[RegMix, Tag("regmix")]
    | Annotated[MixingLaw, Tag("mixing_law")]
    | Annotated[Olmix, Tag("olmix")],
    Discriminator(_method),
]

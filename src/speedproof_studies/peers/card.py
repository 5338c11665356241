"""The peers of finding 1's function: what each is, what it needs, and the texts that it is held and timed on.

Every peer is an arm of the function's own pair, so the gate asks it all that it asks a twin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.findings.text_batching import BATCHED, CASES, FINDING, REPORT, SEQUENTIAL
from speedproof.lens.pair import ModelPair
from speedproof.pairs.finding import TWINS, Arm, Finding
from speedproof.pairs.workload import Workload

COLLECTORS = "speedproof_studies.peers.collectors."
FUNCTION = "extract_features"
MANY = Workload("many-texts", REPORT.subject, 700, "equal")
"""Ten times as many texts as the report's, all different, of eight words each."""
SMOKE = FINDING.pairs[0].workload("smoke")
MANY_SMOKE = Workload("many-texts-smoke", SMOKE.subject, 140, "equal")


@dataclass(frozen=True)
class Peer:
    """Another library's way to the same features."""

    name: str
    """Its function's name."""
    about: str
    function: str = ""
    """Reference to it; nothing where the library has never been seen to run here, so that none could be tried."""
    requirements: tuple[str, ...] = ()
    """What it needs beside this project's libraries, in an environment of its own; none where it runs in this one."""
    left_out: tuple[str, ...] = ()
    """Packages that it asks for and does not call here, taken out again: an index's build of them for other devices
    does not load beside torch for processors alone."""
    added_alone: tuple[str, ...] = ()
    """What is installed without what it asks for, where that cannot be met together with this project's libraries, and
    what is called needs none of it."""
    imports: str = ""
    """A module of the library: where that cannot be imported, the reason is told."""

    @property
    def side(self) -> str:
        """Its place, in the words of `compare`; nothing for the environment in use."""
        return "+".join(self.requirements)


PEERS: tuple[Peer, ...] = (
    Peer(
        "transformers_cut",
        "Transformers' GPT2Model cut at the layer, SDPA",
        COLLECTORS + "transformers_cut:transformers_cut",
    ),
    Peer(
        "saelens_idiom",
        "SAELens: run_with_cache with one hook's name and stop_at_layer, then encode",
        COLLECTORS + "saelens:saelens_idiom",
    ),
    Peer(
        "saelens_store",
        "SAELens: ActivationsStore.get_activations, as its cache runner calls it, then encode",
        COLLECTORS + "saelens:saelens_store",
    ),
    Peer(
        "transformer_bridge",
        "TransformerLens 3: TransformerBridge.run_with_cache with one hook's name and stop_at_layer",
        COLLECTORS + "transformer_bridge:transformer_bridge",
    ),
    Peer(
        "nnsight_trace",
        "nnsight: a trace over Transformers' model with an early stop",
        COLLECTORS + "nnsight_trace:nnsight_trace",
        ("nnsight==0.8.1",),
        imports="nnsight",
    ),
    Peer(
        "dictionary_learning",
        "dictionary-learning: ActivationBuffer.refresh, through nnsight < 0.4",
        COLLECTORS + "dictionary_learning:dictionary_learning",
        ("dictionary-learning==0.1.0",),
        ("torchvision",),
        imports="dictionary_learning.buffer",
    ),
    Peer(
        "sae_bench",
        "sae-bench: get_llm_activations",
        COLLECTORS + "sae_bench:sae_bench",
        ("beartype==0.23.1",),
        added_alone=("sae-bench==0.6.0",),
        imports="sae_bench.sae_bench_utils.activation_collection",
    ),
    Peer(
        "delphi_cache",
        "delphi: LatentCache",
        "",
        # Any release of vllm from 0.10.2 on is asked for; without one named, an installer fetches each to read it.
        ("eai-delphi==0.1.3", "vllm==0.27.0"),
        ("torchvision",),
        imports="delphi.latents.cache",
    ),
)
"""In the order of the table. What each is called with is its library's own object over the same weights; texts come
sorted, as many in a pass as 512 tokens are, and the last tokens alone are encoded, whatever the library's habit."""


def finding_with(peers: Sequence[Peer], module: str = __name__) -> Finding:
    """Finding 1 with the peers for arms, in place of its ladder."""
    arms = [Arm(one.name, one.about, one.function) for one in peers if one.function]
    pair = ModelPair(
        sequential=SEQUENTIAL + FUNCTION,
        batched=BATCHED + FUNCTION,
        inputs=CASES + "inputs",
        equivalence=CASES + "SAME_FEATURES",
        variations=CASES + "OTHER",
        refused=CASES + "REFUSED",
        workloads=(SMOKE, MANY_SMOKE, REPORT, MANY),
        unit="texts",
        arms=(Arm(TWINS[0], "the definition"), *arms, Arm(TWINS[1], "the batched twin")),
    )
    return Finding(
        module=module,
        number=FINDING.number,
        name=FINDING.name,
        title=FINDING.title,
        claim=FINDING.claim,
        pairs=(pair,),
        counters=CASES + "COUNTERS",
        definition_digest=FINDING.definition_digest,
        disturbed_by=FINDING.disturbed_by,
    )


FINDING_WITH_PEERS = finding_with(PEERS)
CARD = f"{__name__}:FINDING_WITH_PEERS"
"""Reference to it: a process is told by it what to ask."""

"""Where the parts of a model are while a picture is made, decided before anything is loaded.

A part stays on the device; or it comes as a whole when it works, and waits in the computer's memory
for the rest of the time; or its layers visit one after the other. The first way that fits is taken,
in this order: all stay; texts are encoded first and their encoder is put away; the network waits
while texts are encoded and the picture is decoded; the encoder visits; the network visits; the
same with the network in floats of 8 bits. All but the last give the same picture. Kept texts never
count: they are on the CPU, bounded by bytes.

Free memory is measured, numbers of models are counted, and times come of two assumptions named
below: they say what a way costs at most, before anything was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from .catalogue import Fit
from .effort import TOKEN_PX, base_tokens, largest_tokens
from .families import Family
from .footprints import KINDS, Footprint, Part
from .job import Job

Way = Literal["stays", "comes", "visits"]

GIB = 2**30
"""What cards' memory is counted in; people call it GB."""
_SPARE_BYTES = GIB // 2  # what allocators lose between tensors, and libraries take for themselves
_HOST_SPARE_BYTES = GIB
_ENCODING_BYTES = GIB // 2  # of a text beside its encoder's weights
_DECODED_PX = 2**20  # of a larger picture tiles are decoded, and their statistics take as much
_VISITING_LAYERS = 2  # the one that works, and the next
_SMALL_SHARE = 0.53  # of a network's bytes that are left with 8 bits: some layers stay as they are
_LINK_BYTES_PER_S = 12e9  # from the computer's memory to the card: PCIe 3.0 × 16, or 4.0 × 8
_OPERATIONS_PER_S = 25e12  # of a GeForce RTX 3060 in half precision
_SMALL_SLOWER = 1.1
_HOSTS = ("cpu", "mps")  # devices whose memory is the computer's

_WAYS: tuple[tuple[Way, Way], ...] = (  # of the network and of the encoders of texts
    ("stays", "stays"),
    ("stays", "comes"),
    ("comes", "comes"),
    ("stays", "visits"),
    ("comes", "visits"),
    ("visits", "comes"),
    ("visits", "visits"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A device and the computer around it, as measured while nothing of a model is loaded."""

    kind: str
    """torch's name for the device: cuda, mps or cpu."""
    name: str
    dtype: str
    """The precision that networks work in: float32, bfloat16 or float16."""
    free_bytes: int
    total_bytes: int
    host_free_bytes: int
    host_total_bytes: int

    @property
    def has_own_memory(self) -> bool:
        """Whether the device has a memory beside the computer's."""
        return self.kind not in _HOSTS

    @property
    def ways(self) -> Sequence[tuple[Way, Way]]:
        """Return what can be done; on a processor parts come and leave as pages of their files."""
        return (_WAYS[0], _WAYS[2]) if self.kind == "cpu" else _WAYS

    def number_bytes(self, family: Family) -> int:
        """Return the bytes of a number of a family's network and encoders."""
        return 4 if self.kind_of(family) == "F32" else 2

    def kind_of(self, family: Family) -> str:
        """Return what a file calls the precision of a family's network."""
        kind = KINDS.get(self.dtype, "BF16")
        return "F32" if kind == "F16" and not family.takes_float16 else kind

    @classmethod
    def from_document(cls, document: object) -> Machine | None:
        """Return what an engine said of its machine, None where it is no such thing."""
        if not isinstance(document, Mapping):
            return None
        values: dict[str, Any] = {field.name: document.get(field.name) for field in fields(cls)}
        is_one = all(
            (type(value) is int and value >= 0) if name.endswith("_bytes") else type(value) is str
            for name, value in values.items()
        )
        return cls(**values) if is_one else None

    def to_document(self) -> dict[str, Any]:
        """Return the machine as plain values."""
        return asdict(self)


_SIZES = ("tokens", "canvas_px", "beside_numbers", "seeing_numbers", "reference_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a job asks of a memory: its largest window, its canvas, what it adds to its model."""

    tokens: int
    canvas_px: int
    cpu_vae: bool = False
    """Whether the picture is decoded on the processor."""
    beside_numbers: int = 0
    """Of what works beside the network: ControlNets, IP-Adapters, LoRAs."""
    seeing_numbers: int = 0
    """Of what looks at reference pictures, before the network works."""
    reference_tokens: int = 0
    """Of the reference pictures that the network is shown itself."""

    @classmethod
    def of_job(cls, job: Job) -> Work:
        """Return what a job asks for, with the base pass that it may have."""
        tokens = max(largest_tokens(job), base_tokens(job, TOKEN_PX))
        size = job.canvas_height * job.canvas_width
        return cls(tokens=tokens, canvas_px=size, cpu_vae=job.cpu_vae)

    @classmethod
    def of_square(cls, side_px: int) -> Work:
        """Return what one region over a square canvas asks for."""
        return cls(tokens=(side_px // TOKEN_PX) ** 2, canvas_px=side_px**2)

    def is_within(self, other: Work) -> bool:
        """Return whether another job's memory is enough for this one."""
        no_larger = all(getattr(self, name) <= getattr(other, name) for name in _SIZES)
        return no_larger and (self.cpu_vae or not other.cpu_vae)

    @property
    def alone(self) -> Work:
        """The same without anything beside the model."""
        return replace(self, beside_numbers=0, seeing_numbers=0, reference_tokens=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """Where a model's parts are, what that takes, and what it costs."""

    network: Way
    encoders: Way
    is_small: bool
    """Whether the network is kept in floats of 8 bits."""
    needed_bytes: int
    """Of the device, at most at once."""
    host_bytes: int
    """Of the computer's memory, where that is another."""
    free_bytes: int
    costs: tuple[str, ...]

    @property
    def fit(self) -> Fit:
        """How well a model suits the machine."""
        return "slower" if self.is_small or self.network == "visits" else "fits"

    @property
    def text(self) -> str:
        """The plan in a line, as a person reads it before the picture is made."""
        numbers = f"{gib(self.needed_bytes)} of {gib(self.free_bytes)} GB free"
        return "; ".join((numbers, *self.costs))


def gib(count: float) -> str:
    """Return bytes in units of 2³⁰, as cards and operating systems count GB."""
    return f"{count / GIB:.1f}"


def plans(
    footprint: Footprint,
    family: Family,
    work: Work,
    machine: Machine,
    *,
    is_small: bool = False,
) -> Iterator[MemoryPlan]:
    """Yield the ways that fit, the cheapest first; `is_small` asks for 8 bits from the start."""
    for small in (True,) if is_small else (False, True):
        if small and (not takes_small(machine) or footprint.network.held_bytes):
            return
        for network, encoders in machine.ways:
            need = _Need(footprint, family, work, machine, network, encoders, small)
            if need.fits:
                yield need.plan()


def takes_small(machine: Machine) -> bool:
    """Return whether a device can keep numbers of 8 bits."""
    return machine.kind != "mps"


def plan_memory(
    footprint: Footprint, family: Family, work: Work, machine: Machine, *, is_small: bool = False
) -> MemoryPlan | None:
    """Return the first way that fits, None where none does."""
    return next(plans(footprint, family, work, machine, is_small=is_small), None)


def least_plan(footprint: Footprint, family: Family, work: Work, machine: Machine) -> MemoryPlan:
    """Return the most frugal way, whether it fits or not."""
    smalls = (False, True) if takes_small(machine) else (False,)
    needs = (
        _Need(footprint, family, work, machine, network, encoders, small)
        for small in smalls
        for network, encoders in machine.ways
    )
    return min((need.plan() for need in needs), key=lambda p: p.needed_bytes + p.host_bytes)


@dataclass(frozen=True, slots=True)
class _Need:
    """What one way takes."""

    footprint: Footprint
    family: Family
    work: Work
    machine: Machine
    network: Way
    encoders: Way
    small: bool

    @property
    def fits(self) -> bool:
        device, host = self.device_bytes, self.host_bytes
        if self.machine.kind == "cpu" and host:
            return False  # copies do not leave
        if not self.machine.has_own_memory:
            return device + host <= self.machine.free_bytes - _HOST_SPARE_BYTES
        host_room = self.machine.host_free_bytes - _HOST_SPARE_BYTES
        return device <= self.machine.free_bytes - _SPARE_BYTES and host <= host_room

    def plan(self) -> MemoryPlan:
        needed, host = self.device_bytes, self.host_bytes
        if not self.machine.has_own_memory:
            needed, host = needed + host, 0
        return MemoryPlan(
            network=self.network,
            encoders=self.encoders,
            is_small=self.small,
            needed_bytes=needed,
            host_bytes=host,
            free_bytes=self.machine.free_bytes,
            costs=tuple(self._costs()),
        )

    @property
    def network_bytes(self) -> int:
        part = self.footprint.network
        whole = part.held_bytes or part.numbers * self.machine.number_bytes(self.family)
        return round(part.numbers * 2 * _SMALL_SHARE) if self.small else whole

    @property
    def _tokens(self) -> int:
        return self.work.tokens + self.work.reference_tokens + self.family.text_tokens

    def _encoder_bytes(self, part: Part) -> int:
        return part.numbers * self.machine.number_bytes(self.family)

    @property
    def device_bytes(self) -> int:
        """The most that is on the device at once: of texts, of steps, and of the decoding."""
        number = self.machine.number_bytes(self.family)
        encoders = [self._encoder_bytes(part) for part in self.footprint.encoders]
        layers = [_VISITING_LAYERS * p.largest * number for p in self.footprint.encoders]
        at_work = {
            "stays": sum(encoders),
            "comes": max(encoders, default=0),
            "visits": max(layers, default=0),
        }[self.encoders]
        waiting = sum(encoders) if self.encoders == "stays" else 0
        layer = _VISITING_LAYERS * self.footprint.network.largest * number
        network = layer if self.network == "visits" else self.network_bytes
        beside = self.network_bytes if self.network == "stays" else 0
        tokens = self._tokens
        step = tokens * self.family.token_bytes * number // 2
        decoding = min(self.work.canvas_px, _DECODED_PX) * self.family.decoded_px_bytes
        if self.work.cpu_vae and self.machine.has_own_memory:
            decoding = 0
        always = self.footprint.autoencoder.numbers * 4 + self.work.beside_numbers * number
        looking = self.work.seeing_numbers * number
        return always + max(
            beside + at_work + _ENCODING_BYTES,
            beside + waiting + looking + (_ENCODING_BYTES if looking else 0),
            network + waiting + step,
            beside + waiting + decoding,
        )

    @property
    def host_bytes(self) -> int:
        """What the computer's memory holds of its own: files of the same precision are no such.

        Weights that are loaded as their files have them are the files' own pages, which an
        operating system gives back; others are copies. What visits is pinned.
        """
        kind = self.machine.kind_of(self.family)
        number = self.machine.number_bytes(self.family)
        loaded = 0  # of copies, while nothing is on the device yet
        for part in (self.footprint.network, *self.footprint.encoders):
            loaded += 0 if part.stored == kind else part.held_bytes or part.numbers * number
        kept = sum(
            self._encoder_bytes(part) * (part.stored != kind)
            for part in self.footprint.encoders
            if self.encoders != "stays"
        )
        if self.network != "stays":
            is_copy = self.small or self.footprint.network.stored != kind
            is_pinned = self.network == "visits" and self.machine.has_own_memory
            kept += self.network_bytes * (is_copy or is_pinned)
        if self.machine.has_own_memory:  # where what looked at pictures waits for the next
            kept += self.work.seeing_numbers * number
        # Where both are one memory, what is loaded goes over part by part.
        return max(loaded, kept) if self.machine.has_own_memory else kept

    def _costs(self) -> Iterator[str]:
        machine = self.machine
        moved = sum(map(self._encoder_bytes, self.footprint.encoders))
        if self.encoders == "comes" and machine.kind == "cpu":
            yield "text encoder and network read from the disk in turns for new prompts"
        elif self.encoders == "comes":
            moved += 2 * self.network_bytes * (self.network == "comes")
            yield f"text encoder on the CPU after the prompts ({_seconds(moved)} for new ones)"
        elif self.encoders == "visits":
            yield f"text encoder on the CPU, layer by layer ({_seconds(moved)} a new prompt)"
        if self.network == "visits":
            step_s = 2 * self.footprint.network.numbers * self._tokens / _OPERATIONS_PER_S
            slower = 1 + self.network_bytes / _LINK_BYTES_PER_S / step_s
            yield f"network on the CPU, layer by layer (up to {slower:.1f}× slower)"
        if self.small:
            yield f"network in 8 bits (about {_SMALL_SLOWER:.1f}× slower, a little different)"


def _seconds(moved_bytes: float) -> str:
    return f"{max(1, round(moved_bytes / _LINK_BYTES_PER_S))} s"

"""A price file as a stream: any size in a few megabytes of memory."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import BinaryIO

from lsats_pipeline.synthetic.draws import key_of
from lsats_pipeline.synthetic.price_files import faults, texts
from lsats_pipeline.synthetic.price_files.manifest import Fault, Manifest
from lsats_pipeline.synthetic.price_files.options import PriceFile

_FLUSH = 1 << 20


def write_price_file(path: Path, options: PriceFile) -> Manifest:
    """Write the file, compressed if it is named .gz; returns the account of it."""
    document = _Document(options)
    with path.open("wb") as file:
        if path.suffix == ".gz":
            # No name and no time: the same options give the same bytes.
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                document.write(packed)
        else:
            document.write(file)
    return document.manifest


class _Document:
    def __init__(self, options: PriceFile) -> None:
        self.manifest = Manifest()
        self._options = options
        self._draw = Random(key_of(options.seed, "mrf"))
        # Sets of groups that version 1 writes out again and again, and those used so far.
        self._written: list[tuple[str, int]] = []
        self._used: set[int] = set()
        self._separator = b",\n  " if options.pretty else b","

    def write(self, file: BinaryIO | gzip.GzipFile) -> None:
        waiting = bytearray()
        for part in self._parts():
            waiting += part
            self.manifest.text += len(part)
            if len(waiting) >= _FLUSH:
                file.write(waiting)
                waiting.clear()
        file.write(waiting)

    def _parts(self) -> Iterator[bytes]:
        payer = self._draw.choice(texts.PAYERS)
        yield b"{" + f'"reporting_entity_name":{texts.quoted(payer)}'.encode()
        yield self._separator + b'"reporting_entity_type":"health insurance issuer"'
        for part in self._arrays():
            yield self._separator
            yield from part
        yield self._separator + b'"last_updated_on":"2026-11-01"'
        yield self._separator + f'"version":"{self._options.schema_version}"'.encode() + b"}"

    def _arrays(self) -> Iterator[Iterator[bytes]]:
        if self._options.kind == "allowed-amounts":
            yield self._array("out_of_network", self._services())
            return
        both = [
            self._array("provider_references", self._references()),
            self._array("in_network", self._items()),
        ]
        yield from both if self._options.order == "references-first" else reversed(both)

    def _array(self, key: str, elements: Iterator[Iterator[bytes]]) -> Iterator[bytes]:
        yield f'"{key}":['.encode()
        count = 0
        for element in elements:
            if count:
                yield self._separator
            yield from element
            count += 1
        self.manifest.elements[key] = count
        yield b"]"

    def _fault(self, kinds: tuple[str, ...], number: int) -> str:
        """The fault of an element, in turns, so that each occurs; empty for a good one."""
        share = self._options.faults
        before, now = int(number * share), int((number + 1) * share)
        return kinds[before % len(kinds)] if now > before else ""

    def _note(self, section: str, element: int, path: str, level: str, kind: str) -> None:
        self.manifest.faults.append(Fault(section, element, path, level, kind))

    # -- provider references

    def _references(self) -> Iterator[Iterator[bytes]]:
        for number in range(self._options.references):
            yield iter((self._reference(number).encode(),))

    def _reference(self, number: int) -> str:
        names = f',"network_name":["{self._draw.choice(texts.NETWORKS)}"]'
        groups, count = self._groups()
        kind = self._fault(tuple(faults.GROUP), number)
        if kind:
            bad = f'{{{faults.GROUP[kind]},"tin":{texts.tin(self._draw, self._options.version)}}}'
            path = f"provider_groups[{count}]"
            self._note("provider_references", number, path, "provider_group", kind)
            groups = f"{groups[:-1]},{bad}]"
        self.manifest.groups += count
        version_2 = names if self._options.version == 2 else ""
        return f'{{"provider_group_id":{number},"provider_groups":{groups}{version_2}}}'

    def _groups(self) -> tuple[str, int]:
        made = []
        for _ in range(self._draw.choice((1, 1, 1, 2, 3))):
            npis = texts.npis(self._draw)
            self.manifest.npis += len(npis)
            tin = texts.tin(self._draw, self._options.version)
            made.append(f'{{"npi":[{",".join(map(str, npis))}],"tin":{tin}}}')
        return f"[{','.join(made)}]", len(made)

    # -- in-network prices

    def _items(self) -> Iterator[Iterator[bytes]]:
        if self._options.version == 1:
            npis = self.manifest.npis
            self._written = [self._groups() for _ in range(20)]
            self.manifest.npis = npis  # of the references alone
        target = self._options.megabytes * 1e6 * 0.999
        large = self._options.large * 1e6
        number = 0
        while number == 0 or self.manifest.text + large < target:
            if large and self.manifest.text > (target - large) / 2:
                yield self._item(number, round(large))
                large = 0
            else:
                yield self._item(number, 0)
            number += 1

    def _item(self, number: int, size: int) -> Iterator[bytes]:
        """An element with a few rates; or with rates until it has so many bytes."""
        kind = self._fault(faults.IN_PRICES, number)
        if kind == faults.NULL_ELEMENT:
            self._note("in_network", number, "", "element", kind)
            yield b"null"
            return
        manifest = self.manifest
        before = (manifest.rates, manifest.prices, manifest.entries, manifest.cents)
        used = set(self._used)
        yield from self._head(number, kind)
        yield from self._rates(number, size, kind)
        yield b"]}"
        if kind in faults.ELEMENT:
            manifest.rates, manifest.prices, manifest.entries, manifest.cents = before
            self._used = used
            self._note("in_network", number, "", "element", kind)
        manifest.inline_groups = sum(self._written[i][1] for i in self._used)

    def _head(self, number: int, kind: str) -> Iterator[bytes]:
        draw = self._draw
        code = faults.ELEMENT.get(
            kind, f'"billing_code":"{draw.randrange(10_000, 99_999)}"'.encode()
        )
        yield b'{"negotiation_arrangement":"ffs","name":"Service %d",' % number
        yield f'"billing_code_type":"{draw.choice(texts.BILLING_CODES)}",'.encode()
        yield b'"billing_code_type_version":"2026",' + code
        yield f',"description":{texts.quoted(texts.description(draw))}'.encode()
        yield b',"negotiated_rates":['

    def _rates(self, number: int, size: int, kind: str) -> Iterator[bytes]:
        count = min(1 + int(self._draw.expovariate(1 / 40)), 2000)
        written = at = 0
        while (written < size) if size else (at < count):
            bad = kind if at == 0 and kind in faults.PRICE else ""
            rate = self._rate(number, at, bad).encode()
            yield b"," + rate if at else rate
            written += len(rate)
            at += 1

    def _rate(self, number: int, at: int, kind: str) -> str:
        draw, count = self._draw, self._draw.choice((1, 1, 2, 2, 3))
        good = [self._price() for _ in range(count)]
        if kind:
            good.append(self._price(faults.PRICE[kind]))
            path = f"negotiated_rates[{at}].negotiated_prices[{count}]"
            self._note("in_network", number, path, "price", kind)
        self.manifest.rates += 1
        self.manifest.prices += count
        return f'{{"negotiated_prices":[{",".join(good)}],{self._providers(draw)}}}'

    def _providers(self, draw: Random) -> str:
        if self._written and draw.random() < 0.2:
            choice = draw.randrange(len(self._written))
            self._used.add(choice)
            self.manifest.entries += 1
            return f'"provider_groups":{self._written[choice][0]}'
        ids = [draw.randrange(self._options.references) for _ in range(draw.randrange(1, 12))]
        self.manifest.entries += len(ids)
        return f'"provider_references":[{",".join(map(str, ids))}]'

    def _price(self, rate: str = "") -> str:
        draw = self._draw
        if not rate:
            cents = draw.randrange(1, 500_000)
            self.manifest.cents += cents
            rate = f'"negotiated_rate":{cents // 100}.{cents % 100:02}'
        places = '","'.join(draw.sample(texts.PLACES, draw.randrange(1, 4)))
        setting = ',"setting":"outpatient"' if self._options.version == 2 else ""
        modifier = f',"billing_code_modifier":["{draw.choice(texts.MODIFIERS)}"]'
        return (
            f'{{"negotiated_type":"{draw.choice(texts.TYPES)}",{rate},'
            f'"expiration_date":"{draw.choice(texts.DAYS)}","service_code":["{places}"],'
            f'"billing_class":"professional"{setting}{modifier if draw.random() < 0.1 else ""}}}'
        )

    # -- allowed amounts

    def _services(self) -> Iterator[Iterator[bytes]]:
        number = 0
        while number == 0 or self.manifest.text < self._options.megabytes * 1e6 * 0.999:
            yield iter((self._service(number).encode(),))
            number += 1

    def _service(self, number: int) -> str:
        draw = self._draw
        amounts = [self._amount() for _ in range(draw.randrange(1, 6))]
        return (
            f'{{"name":"Service {number}","billing_code_type":"{draw.choice(texts.BILLING_CODES)}",'
            f'"billing_code_type_version":"2026","billing_code":"{draw.randrange(10_000, 99_999)}",'
            f'"description":{texts.quoted(texts.description(draw))},'
            f'"allowed_amounts":[{",".join(amounts)}]}}'
        )

    def _amount(self) -> str:
        payments = [self._payment() for _ in range(self._draw.randrange(1, 4))]
        return (
            f'{{"tin":{texts.tin(self._draw, self._options.version)},"service_code":["11"],'
            f'"billing_class":"professional","payments":[{",".join(payments)}]}}'
        )

    def _payment(self) -> str:
        cents, npis = self._draw.randrange(1, 500_000), texts.npis(self._draw)
        self.manifest.cents += cents
        self.manifest.payments += 1
        charge = f'{{"billed_charge":{cents // 50}.5,"npi":[{",".join(map(str, npis))}]}}'
        return f'{{"allowed_amount":{cents // 100}.{cents % 100:02},"providers":[{charge}]}}'

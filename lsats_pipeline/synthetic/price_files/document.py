"""A price file as a stream: any size in a few megabytes of memory."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import BinaryIO
from zlib import crc32

from lsats_pipeline.synthetic.price_files import defects, faults, pools
from lsats_pipeline.synthetic.price_files.manifest import FileDefect, FileFault, Manifest
from lsats_pipeline.synthetic.price_files.parameters import PriceFile
from lsats_pipeline.synthetic.sampling import key_of

_FLUSH = 1 << 20


def write_price_file(path: Path, options: PriceFile) -> Manifest:
    """Write the file, compressed if it is named .gz; returns its manifest."""
    document = _PriceDocument(options)
    with path.open("wb") as file:
        if path.suffix == ".gz":
            # No name and no time: the same options give the same bytes.
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                document.write(packed)
        else:
            document.write(file)
    return document.manifest


class _PriceDocument:
    def __init__(self, options: PriceFile) -> None:
        self.manifest = Manifest()
        self._options = options
        self._draw = Random(key_of(options.seed, "mrf"))
        # Sets of groups that version 1 writes out again and again, and those used so far.
        self._written: list[tuple[str, int]] = []
        self._used: set[int] = set()
        self._usual = 0.0  # what the prices of the element are around, in cents
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
        payer = self._draw.choice(pools.PAYERS)
        yield b"{" + f'"reporting_entity_name":{pools.quoted(payer)}'.encode()
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
        return _in_turns(kinds, number, self._options.faults)

    def _record_defect(self, section: str, element: int, kind: str, count: int = 1) -> None:
        self.manifest.defects.append(FileDefect(section, element, kind, count))

    def _record_fault(self, section: str, element: int, path: str, level: str, kind: str) -> None:
        self.manifest.faults.append(FileFault(section, element, path, level, kind))

    # -- provider references

    def _references(self) -> Iterator[Iterator[bytes]]:
        element = 0
        for number in range(self._options.references):
            for text in self._reference(number, element):
                yield iter((text.encode(),))
                element += 1

    def _reference(self, number: int, element: int) -> Iterator[str]:
        """A reference; and once more, when that is its defect."""
        npis = self.manifest.npis
        groups, count = self._groups()
        npis = self.manifest.npis - npis
        self.manifest.groups += count
        kind = self._fault(tuple(faults.GROUP), number)
        defect = "" if kind else _in_turns(defects.IN_REFERENCES, number, self._options.defects)
        if kind:
            bad = f'{{{faults.GROUP[kind]},"tin":{pools.tin(self._draw, self._options.version)}}}'
            path = f"provider_groups[{count}]"
            self._record_fault("provider_references", element, path, "provider_group", kind)
            groups = f"{groups[:-1]},{bad}]"
        if defect:
            self._record_defect("provider_references", element, defect)
        if defect in defects.GROUP:
            groups = f"{groups[:-1]},{self._defective_group(defect)}]"
        yield self._numbered(number, groups)
        if defect == defects.REPEATED:
            self.manifest.npis += npis
            self.manifest.groups += count
            yield self._numbered(number, groups)
        elif defect == defects.CONTRADICTS:
            other, more = self._groups()
            self.manifest.groups += more
            yield self._numbered(number, other)

    def _numbered(self, number: int, groups: str) -> str:
        # The same network for the same number, so that a repeated reference says the same.
        name = pools.NETWORKS[number % len(pools.NETWORKS)]
        names = f',"network_name":["{name}"]' if self._options.version == 2 else ""
        return f'{{"provider_group_id":{number},"provider_groups":{groups}{names}}}'

    def _defective_group(self, kind: str) -> str:
        npis, tin = defects.GROUP[kind]
        self.manifest.groups += 1
        self.manifest.npis += 1
        good = pools.tin(self._draw, self._options.version)
        if tin:
            good = re.sub(r'"type":"ein","value":"[^"]*"', tin, good)
        return f'{{"npi":{npis or pools.npis(self._draw)[:1]},"tin":{good}}}'

    def _groups(self) -> tuple[str, int]:
        made = []
        for _ in range(self._draw.choice((1, 1, 1, 2, 3))):
            npis = pools.npis(self._draw)
            self.manifest.npis += len(npis)
            tin = pools.tin(self._draw, self._options.version)
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
            self._record_fault("in_network", number, "", "element", kind)
            yield b"null"
            return
        manifest = self.manifest
        before = (manifest.rates, manifest.prices, manifest.entries, manifest.cents)
        used = set(self._used)
        defect = "" if kind else _in_turns(defects.IN_PRICES, number, self._options.defects)
        yield from self._head(number, kind, defect)
        yield from self._rates(number, size, kind or defect)
        yield b"]}"
        if kind in faults.ELEMENT:
            manifest.rates, manifest.prices, manifest.entries, manifest.cents = before
            self._used = used
            self._record_fault("in_network", number, "", "element", kind)
        if defect and defect != defects.DUPLICATE:
            count = manifest.prices - before[1] if defect == defects.CODE else 1
            self._record_defect("in_network", number, defect, count)
        manifest.inline_groups = sum(self._written[i][1] for i in self._used)

    def _head(self, number: int, kind: str, defect: str) -> Iterator[bytes]:
        draw = self._draw
        system = draw.choice(pools.BILLING_CODES)
        code = self._coded(system)
        written = f'"billing_code":"{f"no {code}" if defect == defects.CODE else code}"'
        yield b'{"negotiation_arrangement":"ffs","name":"Service %d",' % number
        yield f'"billing_code_type":"{system}",'.encode()
        yield b'"billing_code_type_version":"2026",' + faults.ELEMENT.get(kind, written.encode())
        yield f',"description":{pools.quoted(pools.description(draw))}'.encode()
        yield b',"negotiated_rates":['

    def _rates(self, number: int, size: int, kind: str) -> Iterator[bytes]:
        count = min(1 + int(self._draw.expovariate(1 / 40)), 2000)
        if kind == defects.OUTLYING:
            count = defects.RATES_AROUND_AN_OUTLIER
        written = at = 0
        while (written < size) if size else (at < count):
            rate = self._rate(number, at, kind if at == 0 else "").encode()
            yield b"," + rate if at else rate
            written += len(rate)
            at += 1

    def _rate(self, number: int, at: int, kind: str) -> str:
        draw, count = self._draw, self._draw.choice((1, 1, 2, 2, 3))
        cents, entries = self.manifest.cents, self.manifest.entries
        good = [self._price() for _ in range(count)]
        if kind in faults.PRICE:
            path = f"negotiated_rates[{at}].negotiated_prices[{count}]"
            self._record_fault("in_network", number, path, "price", kind)
            self.manifest.prices -= 1
            good.append(self._priced("negotiated", faults.PRICE[kind]))
        elif kind in defects.PRICE or kind == defects.OUTLYING:
            good.append(self._defective_price(kind))
        self.manifest.rates += 1
        self.manifest.prices += len(good)
        rate = f'{{"negotiated_prices":[{",".join(good)}],{self._providers(draw, number, kind)}}}'
        if kind != defects.DUPLICATE:
            return rate
        self._record_defect("in_network", number, kind, count)
        self.manifest.rates += 1
        self.manifest.prices += count
        self.manifest.cents += self.manifest.cents - cents
        self.manifest.entries += self.manifest.entries - entries
        return f"{rate},{rate}"

    def _defective_price(self, kind: str) -> str:
        if kind == defects.OUTLYING:
            cents = round(self._usual * defects.TIMES)
            self.manifest.cents += cents
            return self._priced("negotiated", _rate_of(cents))
        defect = defects.PRICE[kind]
        self.manifest.cents += defect.cents
        if defect.rate:
            return self._priced(defect.kind or "negotiated", f'"negotiated_rate":{defect.rate}')
        return self._price(defect.day)

    def _providers(self, draw: Random, number: int, kind: str) -> str:
        if kind == defects.DANGLING:
            self.manifest.entries += 1
            return f'"provider_references":[{defects.NOWHERE + number}]'
        if self._written and draw.random() < 0.2:
            choice = draw.randrange(len(self._written))
            self._used.add(choice)
            self.manifest.entries += 1
            return f'"provider_groups":{self._written[choice][0]}'
        ids = [draw.randrange(self._options.references) for _ in range(draw.randrange(1, 12))]
        self.manifest.entries += len(ids)
        return f'"provider_references":[{",".join(map(str, ids))}]'

    def _price(self, day: str = "") -> str:
        draw = self._draw
        kind = draw.choice(pools.TYPES)
        cents = draw.randrange(2000, 25000) if kind == "percentage" else self._cents()
        self.manifest.cents += cents
        return self._priced(kind, _rate_of(cents), day)

    def _coded(self, system: str) -> str:
        """A code; the same one always costs about the same, between 30 and 3,000."""
        code = pools.code(self._draw, system)
        self._usual = 10 ** (3.5 + crc32(f"{system} {code}".encode()) % 1000 / 500)
        return code

    def _cents(self) -> int:
        """An amount around what is usual for the element."""
        return max(1, round(self._usual * self._draw.lognormvariate(0, 0.35)))

    def _priced(self, kind: str, rate: str, day: str = "") -> str:
        draw = self._draw
        places = '","'.join(draw.sample(pools.PLACES, draw.randrange(1, 4)))
        setting = ',"setting":"outpatient"' if self._options.version == 2 else ""
        modifier = f',"billing_code_modifier":["{draw.choice(pools.MODIFIERS)}"]'
        return (
            f'{{"negotiated_type":"{kind}",{rate},'
            f'"expiration_date":"{day or draw.choice(pools.DAYS)}","service_code":["{places}"],'
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
        system = draw.choice(pools.BILLING_CODES)
        code = self._coded(system)
        amounts = [self._amount() for _ in range(draw.randrange(1, 6))]
        return (
            f'{{"name":"Service {number}","billing_code_type":"{system}",'
            f'"billing_code_type_version":"2026","billing_code":"{code}",'
            f'"description":{pools.quoted(pools.description(draw))},'
            f'"allowed_amounts":[{",".join(amounts)}]}}'
        )

    def _amount(self) -> str:
        payments = [self._payment() for _ in range(self._draw.randrange(1, 4))]
        return (
            # Unlike elsewhere, no version knows a name of the business here.
            f'{{"tin":{pools.tin(self._draw, 1)},"service_code":["11"],'
            f'"billing_class":"professional","payments":[{",".join(payments)}]}}'
        )

    def _payment(self) -> str:
        cents, npis = self._cents(), pools.npis(self._draw)
        self.manifest.cents += cents
        self.manifest.payments += 1
        charge = f'{{"billed_charge":{cents // 50}.5,"npi":[{",".join(map(str, npis))}]}}'
        return f'{{"allowed_amount":{cents // 100}.{cents % 100:02},"providers":[{charge}]}}'


def _in_turns(kinds: tuple[str, ...], number: int, share: float) -> str:
    """One of the kinds for this share of the numbers, each in its turn; empty for the others."""
    before, now = int(number * share), int((number + 1) * share)
    return kinds[before % len(kinds)] if now > before else ""


def _rate_of(cents: int) -> str:
    return f'"negotiated_rate":{cents // 100}.{cents % 100:02}'

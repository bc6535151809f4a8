"""World `mrf`: price files of coined insurers, of any size, with an exact account of each.

options   how large, which version, which order, which faults      texts   coined names and codes
document  the file, written as a stream                            faults  what is wrong on purpose
manifest  every count and sum, every fault and defect with its place   defects  what is doubtful

Unlike the worlds of tables, this one is a file: the same options give the same bytes.
"""

from lsats_pipeline.synthetic.price_files.document import write_price_file
from lsats_pipeline.synthetic.price_files.manifest import FileDefect, FileFault, Manifest
from lsats_pipeline.synthetic.price_files.parameters import PriceFile

__all__ = ["FileDefect", "FileFault", "Manifest", "PriceFile", "write_price_file"]

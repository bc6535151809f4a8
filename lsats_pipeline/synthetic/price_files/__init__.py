"""World `mrf`: synthetic price files of any size, each with an exact manifest.

parameters  size, version, order, shares of faults and defects
document    the file, written as a stream
manifest    every count and sum, every fault and defect with its position
pools       synthetic names and codes
faults      intended errors: elements that have to be rejected
defects     intended implausible values, which can be read
example     a file that is generated once and reused

Unlike the worlds of tables, this one is a file: the same options give the same bytes.
"""

from lsats_pipeline.synthetic.price_files.document import write_price_file
from lsats_pipeline.synthetic.price_files.manifest import FileDefect, FileFault, Manifest
from lsats_pipeline.synthetic.price_files.parameters import PriceFile

__all__ = ["FileDefect", "FileFault", "Manifest", "PriceFile", "write_price_file"]

"""`python -m model_runner.scan`: look through the pickles of a model folder. Ends with 3 where one is refused."""

import argparse
import sys
import time
from pathlib import Path

from model_runner.errors import ModelError
from model_runner.explaining.raised import as_model_error
from model_runner.explaining.report import write_error
from model_runner.folder.manifest import read_manifest
from model_runner.scan.scanning import scan_folder

EXIT_MODEL_ERROR = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m model_runner.scan", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder that holds the model file")
    folder = parser.parse_args().folder
    began = time.perf_counter()
    try:
        names = scan_folder(folder, read_manifest(folder, name="model").scan_allow)
    except ModelError as error:
        write_error(error)
        return EXIT_MODEL_ERROR
    except MemoryError:
        write_error(ModelError("model", "needs too much memory to be looked through", "Raise [limits] memory"))
        return EXIT_MODEL_ERROR
    except Exception as error:  # nobody could do anything with a traceback
        write_error(as_model_error("model", "was scanned", error))
        return EXIT_MODEL_ERROR
    print(f"scanned {', '.join(names) or 'nothing'} in {(time.perf_counter() - began) * 1000:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())

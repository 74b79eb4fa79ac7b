"""What pyproject.toml can't say: nothing is left behind in the checkout, and editable installs bring the data files too."""

import atexit
import shutil
import tempfile

from setuptools import Distribution, setup

Distribution.has_data = Distribution.has_data_files  # by which setuptools asks; no such name is there
room = tempfile.mkdtemp(prefix="crm-reports-build-")
atexit.register(shutil.rmtree, room, ignore_errors=True)
setup(options={"build": {"build_base": room}})

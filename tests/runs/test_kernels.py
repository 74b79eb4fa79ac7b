"""A kernel of ours: this interpreter, the environment it is given, no secret, and nothing left behind."""

import asyncio
import sys

import nbformat
import papermill
import pytest

from crm_reports.runs.kernels import kernel_class
from crm_reports.runs.surroundings import NO_WEBHOOK

ASK = """
import os, sys
print(sys.executable, sorted(each for each in os.environ.items() if each[0].startswith("CRM_REPORTS_")))
print(sorted(os.listdir()))
"""


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", "https://portal.example/rest/1/topsecret/")
    monkeypatch.setenv("CRM_REPORTS_SMTP_PASSWORD", "topsecret")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ASK)], metadata={"kernelspec": kernel})
    with kernel_class({"CRM_REPORTS_DATA": "/somewhere"}) as kernels:
        executed = papermill.execute_notebook(
            notebook, None, kernel_name="python3", kernel_manager_class=kernels, progress_bar=False,
            shutdown_kernel="immediate",
        )  # fmt: skip
        folder = kernels.folder
    return executed.cells[0].outputs[0].text, folder


def test_a_kernel_is_this_interpreter_and_knows_only_what_it_is_told(asked):
    said, folder = asked
    known = sorted({"CRM_REPORTS_DATA": "/somewhere", **NO_WEBHOOK}.items())
    assert said.startswith(f"{sys.executable} {known}\n")
    assert "topsecret" not in said
    assert not folder.exists()


def test_an_unused_kernel_class_leaves_no_folder_and_no_process():
    with kernel_class({}) as kernels:
        manager = kernels(kernel_name="python3")
        assert asyncio.run(manager.is_alive()) is False
    assert not kernels.folder.exists()

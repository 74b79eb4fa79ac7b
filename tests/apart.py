"""Processes of their own for tests, which are killed, or hold what others want: forked from one that has imported the product."""

import multiprocessing

_MANNER = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
APART = multiprocessing.get_context(_MANNER)
# Importing takes two seconds, which each of them would begin with.
APART.set_forkserver_preload(
    ["pytest", "bitrix24_demo", "crm_reports.store.sync", "crm_reports.cli", "crm_reports.measures"]
)

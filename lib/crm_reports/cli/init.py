"""A workspace of one's own: a folder that `crm-reports night` makes reports in, and that no upgrade of the product touches."""

from pathlib import Path

from ..errors import ReportError
from ..runs import product
from ..words.texts import _

FOLDERS = ("notebooks", "metrics", "elements", "output")
FILES = {
    ".env.example": """# Copy to .env, which git ignores, and put your secrets in.
CRM_REPORTS_WEBHOOK=https://company.bitrix24.com/rest/1/code/
# CRM_REPORTS_SMTP_USER=
# CRM_REPORTS_SMTP_PASSWORD=
# CRM_REPORTS_NOTIFY_WEBHOOK=
# CRM_REPORTS_TELEGRAM_TOKEN=
# CRM_REPORTS_WEBHOOK_SALES=
""",
    ".gitignore": "/.env\n/data/\n/output/\n__pycache__/\n.ipynb_checkpoints/\n",
    ".gitattributes": "*.ipynb filter=nbstripout\n",
    "environment.yml": """name: crm-reports
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python>=3.11
  - pip
  - pip:
      - crm-reports[lab]
""",
    "Makefile": """.PHONY: reports serve lab

reports:
\t@crm-reports night

serve:
\t@crm-reports serve

# In git notebooks are kept without what they showed, which is your customers' business.
lab:
\t@[ ! -e .git ] || git config filter.nbstripout.clean 'if command -v nbstripout >/dev/null; then exec nbstripout --keep-id; else exec cat; fi'
\t@[ -e data/store.duckdb ] || crm-reports sync
\t@JUPYTER_PREFER_ENV_PATH=1 jupyter lab --expose-app-in-browser notebooks
""",
    "Dockerfile": """FROM python:3.12-slim
RUN pip install --no-cache-dir crm-reports
WORKDIR /workspace
COPY . .
CMD ["crm-reports", "night"]
""",
}


def init(folder: Path) -> list[Path]:
    """The files that were written into the folder; those that are there already stay as they are."""
    if folder.exists() and not folder.is_dir():
        raise ReportError(_("{path} is a file; give a folder, or one that is still to be made", path=folder.name))
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings = (product.folder() / "reports.toml").read_text(encoding="utf-8")
    contents = {"reports.toml": settings, **FILES}
    missing = {folder / name: text for name, text in contents.items() if not (folder / name).exists()}
    for path, text in missing.items():
        path.write_text(text, encoding="utf-8")
    return list(missing)

"""Where rows come from: a Bitrix24 portal or a folder of files. Rows, no storage."""

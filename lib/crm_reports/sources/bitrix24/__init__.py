"""A Bitrix24 portal, read: `client` calls it, `pages` lists it whole, `tables` says what to ask and how to type it."""

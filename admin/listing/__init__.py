"""Lists: the query, filters, search, order, paging, columns, look-ups and export."""

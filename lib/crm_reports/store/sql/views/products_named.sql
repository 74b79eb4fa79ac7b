-- One row per product that any product row has or had: what the catalogue calls it, else what the row does.
-- needs: product_rows, product_rows_versions, products
with baskets as (select lines from product_rows union all select lines from product_rows_versions),
lines as (select unnest(from_json(lines, '[{"product": "VARCHAR", "name": "VARCHAR"}]')) as line from baskets),
told as (
    select coalesce(line.product, '=' || coalesce(line.name, '')) as product_id, any_value(line.name) as told_name
    from lines group by all
)
select product_id, coalesce(nullif(trim(any_value(products.name)), ''), max(told_name)) as name
from told left join products using (product_id) group by product_id order by product_id

-- One row per product row of a deal at as_of: the product and the section it is in ('' for none), what a unit costs after the
-- discount and what that took off it, in the deal's currency. A line without a product of the catalogue is known by its name.
-- needs: numbered, product_rows, products
with lines as (
    select deal_id, unnest(from_json(
        lines, '[{"product": "VARCHAR", "name": "VARCHAR", "quantity": "DOUBLE", "price": "DOUBLE", "discount": "DOUBLE"}]'
    )) as line
    from product_rows
),
named as (select deal_id, coalesce(line.product, '=' || coalesce(line.name, '')) as product_id, line from lines)
select deal_no, product_id, coalesce(section_id, '') as section_id, line.quantity as quantity, line.price as price,
    line.discount as discount
from named join numbered using (deal_id) left join products using (product_id) order by deal_no, product_id

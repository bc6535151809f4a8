-- A row for every price of elements that stand one a line: what DuckDB does in place of `lsats mrf`.
with elements as (
    select *
    from read_json(
        $path,
        format = 'newline_delimited',
        maximum_object_size = 400000000,
        columns = {
            negotiation_arrangement: 'varchar',
            name: 'varchar',
            billing_code_type: 'varchar',
            billing_code_type_version: 'varchar',
            billing_code: 'varchar',
            description: 'varchar',
            severity_of_illness: 'varchar',
            negotiated_rates: 'struct(
                provider_references bigint[],
                negotiated_prices struct(
                    negotiated_type varchar,
                    negotiated_rate double,
                    expiration_date varchar,
                    billing_class varchar,
                    setting varchar,
                    service_code varchar[],
                    billing_code_modifier varchar[],
                    additional_information varchar
                )[]
            )[]'
        }
    )
),
rates as (
    select elements.* exclude (negotiated_rates), unnest(negotiated_rates) as rate
    from elements
),
prices as (
    select
        rates.* exclude (rate),
        rate.provider_references as provider_references,
        unnest(rate.negotiated_prices) as price
    from rates
)
select prices.* exclude (price), price.* from prices

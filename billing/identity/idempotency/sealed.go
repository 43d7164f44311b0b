package idempotency

import "tollhouse/billing/sealed"

// Sealed lists the stored answers, which their callers seal under one name.
func Sealed(name string) []sealed.Place {
	return []sealed.Place{sealed.Column{
		Name:  "idempotency.response",
		First: []string{"", "", ""},
		Read: `
			select array[actor, operation, key], response
			  from idempotency
			 where (actor, operation, key) > (($1::text[])[1], ($1::text[])[2], ($1::text[])[3])
			   and length(response) > 0
			 order by actor, operation, key
			 limit $2
			   for update`,
		Write: `
			update idempotency set response = $2
			 where actor = ($1::text[])[1] and operation = ($1::text[])[2] and key = ($1::text[])[3]`,
		Sealed: func([]string) string { return name },
	}}
}

package identity

import (
	"strings"

	"tollhouse/billing/sealed"
)

// Sealed lists what the package keeps sealed.
func Sealed() []sealed.Place {
	return []sealed.Place{
		sealed.Column{
			Name:  "signing_key.sealed_private",
			First: []string{""},
			Read: `select array[id], sealed_private from signing_key
			        where id > ($1::text[])[1] order by id limit $2 for update`,
			Write:  `update signing_key set sealed_private = $2 where id = ($1::text[])[1]`,
			Sealed: func(key []string) string { return sealName(strings.Join(key, "")) },
		},
	}
}

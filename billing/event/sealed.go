package event

import (
	"github.com/google/uuid"

	"tollhouse/billing/sealed"
)

// Sealed are the secrets of endpoints, the old ones among them.
func Sealed() []sealed.Place {
	column := func(name string) sealed.Column {
		return sealed.Column{
			Name:  "webhook_endpoint." + name,
			First: []string{uuid.Nil.String()},
			Read: `select array[id::text], ` + name + ` from webhook_endpoint
			        where id > (($1::text[])[1])::uuid and ` + name + ` is not null order by id limit $2 for update`,
			Write:  `update webhook_endpoint set ` + name + ` = $2 where id = (($1::text[])[1])::uuid`,
			Sealed: func(key []string) string { return "webhook_endpoint:" + key[0] },
		}
	}
	return []sealed.Place{column("secret"), column("old_secret")}
}

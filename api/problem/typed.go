package problem

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/event"
	"tollhouse/billing/identity"
	"tollhouse/billing/intake"
	"tollhouse/billing/migration"
	"tollhouse/billing/notice"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/partner"
	"tollhouse/billing/payment"
	"tollhouse/billing/promotion"
	"tollhouse/billing/replay"
	"tollhouse/billing/report"
	"tollhouse/billing/transfer"
	"tollhouse/billing/usage"
	"tollhouse/billing/voucher"
	"tollhouse/provisioning/guarantee"
	"tollhouse/tenants"
)

// faults names the fields that an error speaks of.
func faults(err error) []Fault {
	for _, find := range faulty {
		if found := find(err); len(found) > 0 {
			return found
		}
	}
	for sentinel, fault := range fields {
		if errors.Is(err, sentinel) {
			return []Fault{fault}
		}
	}
	return nil
}

// challenge is what is to be answered with a second factor, where one is wanted.
func challenge(err error) string {
	if e, is := errors.AsType[*identity.SecondFactorError](err); is {
		return e.Challenge
	}
	if e, is := errors.AsType[*tenants.FactorWantedError](err); is {
		return e.Challenge
	}
	return ""
}

// faulty finds the fields in errors that carry them.
var faulty = []func(err error) []Fault{
	func(err error) []Fault {
		e, is := errors.AsType[*guarantee.RoomError](err)
		if !is {
			return nil
		}
		return []Fault{{"rate", "is more than the host database can hold", e.Error()}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*account.FieldError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, "is not as it must be", e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*replay.ChoiceError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, "cannot be used", e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*tenants.InvalidError](err)
		if !is {
			return nil
		}
		return each(e.Fields, func(f tenants.FieldError) Fault {
			return Fault{f.Field, "is not as it must be", strings.TrimSuffix(f.Want, ",")}
		})
	},
	func(err error) []Fault {
		e, is := errors.AsType[*onboarding.IncompleteError](err)
		if !is {
			return nil
		}
		return each(e.Findings, ofFinding)
	},
	func(err error) []Fault {
		e, is := errors.AsType[*onboarding.FactError](err)
		if !is {
			return nil
		}
		return each(e.Findings, ofFinding)
	},
	func(err error) []Fault {
		e, is := errors.AsType[*onboarding.PartsError](err)
		if !is {
			return nil
		}
		return []Fault{{"parts", e.Reason, "codes of the bundle's own parts, as many as it needs"}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*event.FieldError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, "is not as it must be", e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*report.FieldError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, "is not as it must be", e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*notice.FieldError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, "is not as it must be", e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*partner.FieldError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, "is not as it must be", e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*migration.PlanError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, "is not as it must be", e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*usage.MappingError](err)
		if !is {
			return nil
		}
		return each(e.Faults, func(f usage.FieldError) Fault { return Fault{"mapping." + f.Field, f.Fault, f.Want} })
	},
	func(err error) []Fault {
		e, is := errors.AsType[*catalog.NotCleanError](err)
		if !is {
			return nil
		}
		return each(e.Findings, ofDocument)
	},
	func(err error) []Fault {
		e, is := errors.AsType[*promotion.NotCleanError](err)
		if !is {
			return nil
		}
		return each(e.Findings, ofDocument)
	},
	func(err error) []Fault {
		e, is := errors.AsType[*promotion.CodeError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, e.Cause.Error(), "a code that can be used, or none"}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*document.InvalidError](err)
		if !is {
			return nil
		}
		return each(e.Findings, ofDocument)
	},
	func(err error) []Fault {
		e, is := errors.AsType[*catalog.TableError](err)
		if !is {
			return nil
		}
		return each(e.Faults, ofCell)
	},
	func(err error) []Fault {
		e, is := errors.AsType[*catalog.MissingZonesError](err)
		if !is {
			return nil
		}
		return each(e.Missing, func(m catalog.MissingZone) Fault {
			return Fault{"zones." + m.Zone, fmt.Sprintf("is missing; %s version %d uses it", m.Offering, m.Version), "a prefix of that zone, or without_zones to accept that usage to it waits in suspense"}
		})
	},
	func(err error) []Fault {
		e, is := errors.AsType[*session.StepError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, e.Reason, e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*charging.PolicyError](err)
		if !is {
			return nil
		}
		return each(e.Faults, func(f *session.PolicyError) Fault { return Fault{f.Field, f.Reason, f.Want} })
	},
	func(err error) []Fault {
		e, is := errors.AsType[*charging.DebitError](err)
		if !is {
			return nil
		}
		return []Fault{{e.Problem.Field, e.Problem.Reason, e.Problem.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*usage.Problem](err)
		if !is {
			return nil
		}
		return []Fault{{e.Field, e.Reason, e.Want}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*payment.RefundError](err)
		if !is {
			return nil
		}
		return []Fault{{"amount", "is too large", "at most " + e.Left.String()}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*balance.LimitError](err)
		if !is {
			return nil
		}
		return []Fault{{"amount", "is more than this role may adjust", "at most " + e.Left.String() + " " + string(e.Unit) + ", or somebody with a higher limit"}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*transfer.LimitError](err)
		if !is {
			return nil
		}
		if e.Count > 0 {
			return []Fault{{"amount", "is one transfer too many", "at most " + strconv.Itoa(e.Count) + " (" + e.Which + ")"}}
		}
		want := "at most "
		if e.Which == "minimum" {
			want = "at least "
		}
		return []Fault{{"amount", "is not what may be given", want + e.Most.String() + " (" + e.Which + ")"}}
	},
	func(err error) []Fault {
		e, is := errors.AsType[*voucher.MoveError](err)
		if !is {
			return nil
		}
		return []Fault{{"first", "voucher " + strconv.Itoa(e.Serial) + " is " + string(e.From), "a range of vouchers that may all become " + string(e.To)}}
	},
}

func each[T any](items []T, turn func(T) Fault) []Fault {
	out := make([]Fault, len(items))
	for i, item := range items {
		out[i] = turn(item)
	}
	return out
}

func ofFinding(f onboarding.Finding) Fault {
	reason := "is " + string(f.Fault)
	if f.Reason != "" {
		reason += ": " + f.Reason
	}
	return Fault{f.Field, reason, f.Want}
}

// ofDocument passes on what the catalog says: its sentences tell what is wrong
// and what would be right in one.
func ofDocument(f document.Finding) Fault {
	field := f.Path
	if field == "" {
		field = "body"
	}
	return Fault{Field: field, Reason: f.Message, Want: "a document as docs/offering.schema.json describes"}
}

// untabled are errors that are a type only, without a sentinel to stand in the table.
func untabled(err error) (Kind, bool) {
	if _, is := errors.AsType[*document.InvalidError](err); is {
		return InvalidRequest, true
	}
	if _, is := errors.AsType[*usage.Problem](err); is {
		return Unprocessable, true
	}
	return ofDatabase(err)
}

// ofDatabase tells what only the database finds: a text it cannot keep, a sum
// that its columns cannot hold. Both come from what was sent.
func ofDatabase(err error) (Kind, bool) {
	const notInRepertoire, untranslatable, outOfRange = "22021", "22P05", "22003"
	pg, is := errors.AsType[*pgconn.PgError](err)
	switch {
	case is && (pg.Code == notInRepertoire || pg.Code == untranslatable):
		return InvalidRequest, true
	case is && pg.Code == outOfRange:
		return Unprocessable, true
	}
	return Kind{}, false
}

// detailed finds a sentence that says more than the sentinel's.
var detailed = []func(err error) (string, bool){
	text[*account.MoveError], text[*account.IdentityInUseError], text[*onboarding.NotSoldError], text[*payment.RefundError],
	text[*intake.HappenedError],
}

func text[E error](err error) (string, bool) {
	e, is := errors.AsType[E](err)
	if !is {
		return "", false
	}
	return e.Error(), true
}

// ofCell names a fault of a file by its line and column.
func ofCell(f catalog.TableFault) Fault {
	field := "file"
	if f.Line > 0 {
		field = fmt.Sprintf("line %d", f.Line)
	}
	if f.Column != "" {
		field += ", " + f.Column
	}
	if f.Value == "" {
		return Fault{field, "is not as it must be", f.Want}
	}
	return Fault{field, fmt.Sprintf("is %.80q", f.Value), f.Want}
}

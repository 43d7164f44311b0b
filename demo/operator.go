package demo

import (
	"time"

	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/usage"
	"tollhouse/tenants"
)

// company is one operator of the scenario.
type company struct {
	application tenants.Application
	colour      string
	offerings   []string // files of docs/samples/offerings
	sources     map[string]usage.Mapping
	subscribers func(Plan) []subscriber
	facts       func(subscriber) onboarding.Facts
	files       func(Plan, span, []subscriber) []usageFile
	threshold   money.Amount // below it a prepaid subscriber tops up
}

// usageFile is what a producer hands over at the end of a span.
type usageFile struct {
	source, name string
	lines        []line
}

func (p Plan) companies() []company {
	return []company{nusantara(p), hanse(p)}
}

func nusantara(p Plan) company {
	const zone = "Asia/Jakarta"
	radius, _ := usage.FindPreset("freeradius-detail", zone)
	asterisk, _ := usage.FindPreset("asterisk-master-csv", zone)
	return company{
		application: tenants.Application{
			Name: "nusantara", DisplayName: "Kabel Nusantara", LegalName: "PT Kabel Nusantara Media", Country: "ID", Zone: zone, Currency: "IDR",
			Language: "id", OwnerEmail: "pemilik@nusantara.example", Sandbox: true, ClockAt: p.opening(zone),
			LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Jl. Pajajaran 88", Postcode: "16128", City: "Bogor"},
				TaxID: "0123456789012000", RegisterID: "NIB 9120001234567", BankName: "Bank Contoh Indonesia", BankIBAN: "1370 0123 4567 8", BankBIC: "COTOIDJA"},
		},
		colour:      "#0f766e",
		offerings:   []string{"nusantara-fiber-100", "nusantara-home-tv"},
		sources:     map[string]usage.Mapping{"bras": radius, "softswitch": asterisk},
		subscribers: Plan.nusantara,
		facts:       indonesianFacts,
		files:       nusantaraFiles,
	}
}

func hanse(p Plan) company {
	const zone = "Europe/Berlin"
	return company{
		application: tenants.Application{
			Name: "hanse", DisplayName: "Hanse Mobil", LegalName: "Hanse Mobil GmbH", Country: "DE", Zone: zone, Currency: "EUR",
			Language: "en", PricesIncludeTax: true, OwnerEmail: "inhaber@hanse.example", Sandbox: true, ClockAt: p.opening(zone),
			LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Speicherstraße 12", Postcode: "20457", City: "Hamburg"},
				TaxID: "DE123456788", RegisterID: "HRB 123456 Hamburg", BankName: "Musterbank Hamburg", BankIBAN: "DE89370400440532013000", BankBIC: "COBADEFF"},
		},
		colour:      "#1d4f91",
		offerings:   []string{"hanse-prepaid-200", "hanse-postpaid-flex"},
		sources:     map[string]usage.Mapping{"calls": callMapping(), "events": {Format: usage.JSON}},
		subscribers: Plan.hanse,
		facts:       germanFacts,
		files:       hanseFiles,
		threshold:   money.FromMinor(400, money.MustCurrency("EUR")),
	}
}

// callMapping declares the files of Hanse's host network.
func callMapping() usage.Mapping {
	return usage.Mapping{
		Format: usage.Delimited, Zone: "UTC", IdentityKind: usage.MSISDN, Unit: money.Second,
		Kinds: map[string]usage.Kind{"MOC": usage.Voice},
		Text:  &usage.Text{Delimiter: ";", Columns: []string{"id", "type", "a_number", "b_number", "start", "duration"}},
		Fields: &usage.Fields{
			Key: []string{"id"}, Identity: usage.Source{Columns: []string{"a_number"}}, Start: usage.Source{Columns: []string{"start"}},
			TimeLayout: "rfc3339", Quantity: usage.Source{Columns: []string{"duration"}}, Kind: usage.Source{Columns: []string{"type"}},
			Destination: usage.Source{Columns: []string{"b_number"}},
		},
	}
}

// opening is the first instant of the operator's first local day.
func (p Plan) opening(zone string) *time.Time {
	at := p.local(zone, 0, 1, 0, 0)
	return &at
}

// local is an instant of the history: months after its start, on a day, in an
// operator's zone.
func (p Plan) local(zone string, month, day, hour, minute int) time.Time {
	location, err := time.LoadLocation(zone)
	if err != nil {
		panic("demo: " + err.Error()) // our own two names
	}
	return time.Date(p.Start.Year(), p.Start.Month()+time.Month(month), day, hour, minute, 0, 0, location)
}

func commonFacts(s subscriber) onboarding.Facts {
	return onboarding.Facts{
		"party.kind": "individual", "party.name": s.who.Name, "party.email": s.who.Email, "party.phone": s.who.Phone,
		"party.birth_date": s.who.BirthDate, "party.id_document": s.who.Document, "party.language": s.who.Language,
		"address.street": s.who.Street, "address.postcode": s.who.Postcode, "address.city": s.who.City,
	}
}

func indonesianFacts(s subscriber) onboarding.Facts {
	facts := commonFacts(s)
	if s.login != "" {
		facts["internet.login"], facts["internet.password"], facts["internet.port"] = s.login, "pw-"+s.login+"-"+s.who.Document[10:], s.port
		facts["installation_address"] = s.who.Street + ", " + s.who.City
	} else {
		facts["iptv.stb"], facts["voice.line"] = s.stb, s.line
	}
	return facts
}

func germanFacts(s subscriber) onboarding.Facts {
	facts := commonFacts(s)
	facts["party.id_verified"], facts["identity_number"] = "video", s.who.Document
	facts["mobile.msisdn"], facts["mobile.imsi"], facts["mobile.iccid"] = s.msisdn, s.imsi, s.iccid
	return facts
}

package usage

import (
	"fmt"
	"slices"

	"tollhouse/billing/money"
)

// Preset is the mapping of a well-known producer as it ships, to be adapted.
type Preset struct {
	Name    string
	Title   string
	Mapping Mapping
}

// asteriskColumns is the order in which Asterisk's cdr_csv writes. The last
// five depend on loguniqueid, loguserfield and newcdrcolumns of cdr.conf.
var asteriskColumns = []string{
	"accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata",
	"start", "answer", "end", "duration", "billsec", "disposition", "amaflags",
	"uniqueid", "userfield", "peeraccount", "linkedid", "sequence",
}

// Presets lists what ships. Times of Asterisk are local to the zone of its
// machine unless usegmtime is set: the zone is to be declared.
func Presets(zone string) []Preset {
	withID := asterisk(zone, 18)
	withID.Fields.Key = []string{"uniqueid"}
	return []Preset{
		{"asterisk-master-csv", "Asterisk Master.csv with uniqueid (loguniqueid=yes)", withID},
		{"asterisk-master-csv-nouniqueid", "Asterisk Master.csv without uniqueid", asterisk(zone, 16)},
		{"freeradius-detail", "FreeRADIUS accounting detail file", Mapping{
			Format: RADIUSDetail, Zone: zone, IdentityKind: Login}},
		{"json-events", "JSON events, as the API takes them", Mapping{Format: JSON}},
	}
}

// FindPreset returns the mapping of a preset for a zone.
func FindPreset(name, zone string) (Mapping, error) {
	presets := Presets(zone)
	i := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Mapping{}, fmt.Errorf("%w: no preset %q", ErrMapping, name)
	}
	return presets[i].Mapping, presets[i].Mapping.Validate()
}

// asterisk charges answered calls by billsec, from the answer on. The number
// that called is the line.
func asterisk(zone string, columns int) Mapping {
	return Mapping{
		Format: Delimited, Zone: zone, IdentityKind: Line, Unit: money.Second,
		Text: &Text{Delimiter: ",", Quote: `"`, Columns: asteriskColumns[:columns:columns], Required: min(columns, 17)},
		Fields: &Fields{
			Identity:    Source{Columns: []string{"src"}},
			Start:       Source{Columns: []string{"answer", "start"}},
			End:         Source{Columns: []string{"end"}},
			TimeLayout:  "2006-01-02 15:04:05",
			Quantity:    Source{Columns: []string{"billsec"}},
			Kind:        Source{Constant: string(Voice)},
			Destination: Source{Columns: []string{"dst"}},
		},
		Filters: []Filter{{Column: "disposition", Values: []string{"ANSWERED"}, Else: NoCharge}},
	}
}

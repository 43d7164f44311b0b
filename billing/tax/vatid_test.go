package tax_test

import (
	"testing"

	"tollhouse/billing/tax"
)

// Numbers that companies and authorities print, or that the algorithms'
// descriptions work through.
var ids = map[string][]string{
	"AT": {"ATU13585627", "ATU57477929"},
	"BE": {"BE0428759497", "BE0403019261"},
	"BG": {"BG175074752", "BG7523169263", "BG8032056031"},
	"CY": {"CY10259033P"},
	"CZ": {"CZ25123891", "CZ7103192745", "CZ640903926"},
	"DE": {"DE136695976", "DE 123 456 788"},
	"DK": {"DK13585628"},
	"EE": {"EE100931558", "EE100594102"},
	"GR": {"EL094259216", "GR094259216"},
	"ES": {"ESJ99216582", "ES54362315K", "ESX2482300W", "ESB58378431"},
	"FI": {"FI20774740"},
	"FR": {"FR40303265045", "FR23334175221", "FRK7399859412"},
	"HR": {"HR33392005961"},
	"HU": {"HU12892312"},
	"IE": {"IE6433435F", "IE6433435OA", "IE8D79739I"},
	"IT": {"IT00743110157"},
	"LT": {"LT119511515", "LT100001919017"},
	"LU": {"LU15027442"},
	"LV": {"LV40003521600", "LV16117519997"},
	"MT": {"MT11679112"},
	"NL": {"NL004495445B01", "NL002455799B11"},
	"PL": {"PL8567346215"},
	"PT": {"PT501964843"},
	"RO": {"RO18547290"},
	"SE": {"SE123456789701"},
	"SI": {"SI50223054"},
	"SK": {"SK2022749619"},
	"GB": {"GB980780684", "GB802311782", "GBGD001", "GBHA500"},
	"XI": {"XI980780684"},
	"NO": {"NO974760673", "NO 974 760 673 MVA"},
	"CH": {"CHE-116.281.710 MWST", "CHE107787577"},
	"ID": {"01.300.066.6-091.000", "013000666091000", "0013000666091000"},
}

func TestCheckID_takesNumbersInUse(t *testing.T) {
	t.Parallel()
	for country, list := range ids {
		for _, id := range list {
			if got, err := tax.CheckID(id); err != nil || got != country {
				t.Errorf("%s: %q, %v, want %s", id, got, err, country)
			}
		}
	}
}

// A wrong digit is found, whichever it is, save where the algorithm itself
// cannot see it.
func TestCheckID_refusesAWrongDigit(t *testing.T) {
	t.Parallel()
	for country, list := range ids {
		if country == "GB" || country == "XI" {
			list = list[:1]
		}
		for _, id := range list {
			wrong, seen := 0, 0
			for i := range len(id) {
				if id[i] < '0' || id[i] > '9' {
					continue
				}
				other := []byte(id)
				other[i] = '0' + (id[i]-'0'+1)%10
				seen++
				if _, err := tax.CheckID(string(other)); err != nil {
					wrong++
				}
			}
			if wrong*2 < seen && country != "ID" {
				t.Errorf("%s: only %d of %d wrong digits found", id, wrong, seen)
			}
		}
	}
}

func TestCheckIDOf_wantsTheCountrysOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		country, id string
		good        bool
	}{
		{"DE", "DE136695976", true}, {"DE", "136695976", true}, {"DE", "FR40303265045", false}, {"DE", "DE136695977", false},
		{"GR", "EL094259216", true}, {"GB", "XI980780684", true}, {"ID", "013000666091000", true}, {"US", "whatever", true}, {"DE", "", true},
	} {
		if err := tax.CheckIDOf(c.country, c.id); (err == nil) != c.good {
			t.Errorf("%s %s: %v", c.country, c.id, err)
		}
	}
}

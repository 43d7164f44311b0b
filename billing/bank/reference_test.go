package bank

import "testing"

func TestValidCreditorID_readsCheckDigits(t *testing.T) {
	for text, want := range map[string]bool{
		"DE98ZZZ09999999999": true, "DE98 ZZZ0 9999 9999 99": true, "DE98ABC09999999999": true, // the business code is the creditor's own to choose
		"DE97ZZZ09999999999": false, "DE98ZZZ09999999998": false, "DE98": false, "": false,
	} {
		if got := ValidCreditorID(text); got != want {
			t.Errorf("%q is taken: %t", text, got)
		}
	}
}

func TestReference_isISO11649(t *testing.T) {
	if got := Reference("539007547034"); got != "RF18539007547034" {
		t.Errorf("reference of the standard's example is %s", got)
	}
	for _, number := range []string{"2026/42", "INV-2026-000123", "A1"} {
		if r := Reference(number); !ValidReference(r) {
			t.Errorf("%s gives %s, which is none", number, r)
		}
	}
	for _, wrong := range []string{"RF19539007547034", "RF18539007547035", "2026/42", "RF18"} {
		if ValidReference(wrong) {
			t.Errorf("%q is taken", wrong)
		}
	}
	if Reference("---") != "" || Reference("1234567890123456789012") != "" {
		t.Error("a reference was made of what has no letters or too many")
	}
}

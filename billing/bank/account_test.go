package bank

import "testing"

func TestValidAccount(t *testing.T) {
	for text, want := range map[string]bool{
		"DE89 3704 0044 0532 0130 00": true, "DE89370400440532013000": true, "GB82WEST12345698765432": true,
		"012-3456-7890": true, "5021 9988 77": true,
		"DE89370400440532013001": false, "DE88370400440532013000": false, // a slip in the number, and in the check digits
		"de89370400440532013000": false, "DE8937": false, "n/a": false, "": false, "123": false,
	} {
		if got := ValidAccount(text); got != want {
			t.Errorf("%q is taken: %t", text, got)
		}
	}
}

func TestValidCode(t *testing.T) {
	for text, want := range map[string]bool{"COBADEFFXXX": true, "COBADEFF": true, "BMRIIDJA": true, "COBADEFFX": false, "cobadeff": false, "COB1DEFF": false, "": false} {
		if got := ValidCode(text); got != want {
			t.Errorf("%q is taken: %t", text, got)
		}
	}
}

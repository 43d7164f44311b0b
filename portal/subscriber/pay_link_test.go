package subscriber

import "testing"

func TestMasked_tellsItsOwnerOnly(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Jonas Petersen": "J••• P•••", "Siti": "S•••", "Élodie  van der Meer-Lang Schmidt": "É••• v••• d••• M•••", "": "", "李 娜": "李••• 娜•••",
	} {
		if got := masked(name); got != want {
			t.Errorf("%q is masked as %q, want %q", name, got, want)
		}
	}
	for number, want := range map[string]string{"4310286315": "•••315", "12": "12"} {
		if got := lastDigits(number); got != want {
			t.Errorf("%q is shown as %q", number, got)
		}
	}
}

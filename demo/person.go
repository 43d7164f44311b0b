package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// person is who a contract is made with.
type person struct {
	Name, Email, Phone     string
	Street, Postcode, City string
	BirthDate              string // ISO date
	Document               string // NIK, or identity card number
	Language               string
}

type place struct{ city, postcode string }

var (
	indonesianFirst = []string{"Adi", "Agus", "Ayu", "Bambang", "Budi", "Citra", "Dewi", "Dian", "Eko", "Fajar", "Fitri", "Gilang", "Hendra", "Indah", "Joko", "Kartika", "Lestari", "Maya", "Nur", "Putri", "Rahmat", "Rina", "Sari", "Slamet", "Sri", "Taufik", "Wahyu", "Wulan", "Yudi", "Yuni"}
	indonesianLast  = []string{"Anggraini", "Firmansyah", "Gunawan", "Hartono", "Hidayat", "Kurniawan", "Kusuma", "Lubis", "Maharani", "Nasution", "Nugroho", "Permana", "Pratama", "Purnama", "Rahayu", "Ramadhan", "Saputra", "Setiawan", "Siregar", "Susanto", "Utami", "Wibowo", "Wijaya", "Yulianto"}
	indonesianRoads = []string{"Jl. Melati", "Jl. Kenanga", "Jl. Anggrek", "Jl. Diponegoro", "Jl. Sudirman", "Jl. Gajah Mada", "Jl. Pahlawan", "Jl. Cendana", "Jl. Merpati", "Jl. Mawar"}
	indonesianTowns = []place{{"Bogor", "16112"}, {"Depok", "16411"}, {"Bekasi", "17111"}, {"Bandung", "40111"}, {"Cirebon", "45111"}, {"Semarang", "50131"}}

	germanFirst = []string{"Anna", "Ben", "Clara", "David", "Elif", "Emma", "Finn", "Greta", "Hannah", "Ibrahim", "Jan", "Jonas", "Katrin", "Lena", "Leon", "Lukas", "Marie", "Mia", "Moritz", "Nils", "Olga", "Paul", "Pia", "Sophie", "Stefan", "Svenja", "Thomas", "Ute", "Yusuf", "Zoe"}
	germanLast  = []string{"Albrecht", "Bauer", "Becker", "Brandt", "Demir", "Fischer", "Fuchs", "Hansen", "Hoffmann", "Jansen", "Keller", "Klein", "Koch", "Krüger", "Lange", "Meyer", "Möller", "Neumann", "Petersen", "Richter", "Schäfer", "Schmidt", "Schröder", "Schulz", "Vogel", "Wagner", "Weber", "Wolff"}
	germanRoads = []string{"Hafenstraße", "Bahnhofstraße", "Lindenallee", "Deichstraße", "Am Markt", "Gartenweg", "Schulstraße", "Mühlenweg", "Kirchplatz", "Speicherweg"}
	germanTowns = []place{{"Hamburg", "20459"}, {"Bremen", "28195"}, {"Lübeck", "23552"}, {"Rostock", "18055"}, {"Kiel", "24103"}, {"Stralsund", "18439"}}
)

func indonesian(r *rand.Rand, n int) person {
	p := someone(r, n, indonesianFirst, indonesianLast, indonesianRoads, indonesianTowns, "surat.example.id")
	p.Phone = fmt.Sprintf("+62812%07d", 1_000_000+n*37)
	p.Language = "id"
	// NIK: district, birth date (women's day + 40), number; 16 digits.
	p.Document = fmt.Sprintf("3201%02d%s%s%s%04d", 1+r.IntN(40), p.BirthDate[8:10], p.BirthDate[5:7], p.BirthDate[2:4], 1+n%9999)
	return p
}

func german(r *rand.Rand, n int) person {
	p := someone(r, n, germanFirst, germanLast, germanRoads, germanTowns, "post.example.de")
	p.Phone = fmt.Sprintf("+4940%07d", 3_000_000+n*41)
	p.Language = "en"
	p.Document = fmt.Sprintf("L%08d", 10_000_000+n*7919%80_000_000)
	return p
}

func someone(r *rand.Rand, n int, first, last, roads []string, towns []place, mail string) person {
	name, family, town := pick(r, first), pick(r, last), pick(r, towns)
	return person{
		Name:      name + " " + family,
		Email:     fmt.Sprintf("%s.%s%d@%s", plain(name), plain(family), n+1, mail),
		Street:    fmt.Sprintf("%s %d", pick(r, roads), 1+r.IntN(120)),
		Postcode:  town.postcode,
		City:      town.city,
		BirthDate: fmt.Sprintf("%04d-%02d-%02d", 1955+r.IntN(50), 1+r.IntN(12), 1+r.IntN(28)),
	}
}

var toPlain = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss")

func plain(name string) string { return toPlain.Replace(strings.ToLower(name)) }

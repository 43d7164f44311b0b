package text

// differID are the words of how previews differ from bills.
var differID = map[string]string{
	"biz.differ.all":             "Perbedaan menurut jenis baris",
	"biz.differ.kind":            "Jenis baris",
	"biz.differ.kind.correction": "Koreksi",
	"biz.differ.kind.discount":   "Diskon",
	"biz.differ.kind.item":       "Pos lain",
	"biz.differ.kind.one_time":   "Biaya sekali",
	"biz.differ.kind.recurring":  "Biaya berkala",
	"biz.differ.kind.usage":      "Pemakaian",
	"biz.differ.last":            "Periode lalu, neto",
	"biz.differ.more":            "{n} yang pertama disimpan: sisanya tidak ditampilkan dan tidak ada dalam berkas.",
	"biz.differ.now":             "Sekarang, neto",
	"biz.differ.one":             "Dibanding periode lalu",
}

package collection

// Title is what people call a step: its own name, or what its action is called.
func (s *Step) Title(language string) string {
	if name := s.Names.In(language); name != "" {
		return name
	}
	return s.Action.Title(language)
}

// Title is what people call an action.
func (a Action) Title(language string) string {
	words, known := actionWords[language]
	if !known {
		words = actionWords["en"]
	}
	return words[a]
}

var actionWords = map[string]map[Action]string{
	"en": {Remind: "Reminder", Fee: "Late fee", Slow: "Slower service", Wall: "Limited service", Suspend: "Suspension", Terminate: "End of the contract", Agency: "Collection agency"},
	"id": {Remind: "Pengingat", Fee: "Biaya keterlambatan", Slow: "Layanan melambat", Wall: "Layanan dibatasi", Suspend: "Penghentian sementara", Terminate: "Pengakhiran kontrak", Agency: "Lembaga penagihan"},
	"ru": {Remind: "Напоминание", Fee: "Плата за просрочку", Slow: "Снижение скорости", Wall: "Ограничение услуги", Suspend: "Приостановка услуги", Terminate: "Расторжение договора", Agency: "Передача агентству"},
}

package ui

import "strconv"

func houseID(i int) string { return "h-house-" + strconv.Itoa(i) }

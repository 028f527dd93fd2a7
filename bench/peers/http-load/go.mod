module fenceline.dev/bench/http-load

go 1.24

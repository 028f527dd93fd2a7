module fenceline.dev/bench/go-reverse-proxy

go 1.24

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What uvp-hostd costs while more and more guests are there, in the lab's dom0 whose clock counts instructions: one sample, of which
# there is one each second, with the history; and one scrape of its exporter. Each is the CPU time of uvp-hostd and that of
# xenstored, which it asks for targets of memory in turns. Prints lines `GUESTS OPERATION UVP-HOSTD XENSTORED`, in seconds.
#
#   hostd.sh "0 100 500 1000"
set -u
counts=${1:-0 100 500 1000}
seconds=60
work=$(mktemp -d)
store=$(pgrep -x xenstored || pgrep -x oxenstored)
uvp-hostd --config /dev/null -s "history_dir=$work/history" >"$work/log" 2>&1 &
hostd=$!
trap 'kill "$hostd"; xlx destroy --all --yes; rm -rf "$work"' EXIT

ran() { awk '{ print $1 }' "/proc/$1/schedstat"; } # nanoseconds so far
# scrape N: so many, one each second; prints the samples that were taken until the last one, and its size
scrape() {
  python3 - "$1" <<'PYTHON'
import re, sys, time, urllib.request
for i in range(int(sys.argv[1])):
    time.sleep(i and 1)
    text = urllib.request.urlopen("http://localhost:9709/metrics", timeout=60).read()
print(re.search(rb"^xlx_samples_total (\d+)", text, re.M)[1].decode(), len(text))
PYTHON
}

measure() { # GUESTS
  local own asked n from to size
  sleep 70 # each guest was asked for
  read -r from _ < <(scrape 1)
  own=$(ran "$hostd") asked=$(ran "$store")
  sleep "$seconds"
  own=$(($(ran "$hostd") - own)) asked=$(($(ran "$store") - asked))
  read -r to size < <(scrape 1)
  n=$((to - from))
  awk -v g="$1" -v own="$own" -v asked="$asked" -v n="$n" 'BEGIN { printf "%d sample %.6f %.6f\n", g, own / n / 1e9, asked / n / 1e9 }'
  from=$(ran "$hostd")
  read -r to size < <(scrape "$seconds")
  to=$(ran "$hostd")
  # samples went on meanwhile
  awk -v g="$1" -v own="$own" -v both="$((to - from))" -v n="$seconds" -v size="$size" \
    'BEGIN { printf "%d scrape %.6f 0 of %d bytes\n", g, (both - own) / n / 1e9, size }'
}

have=0
for want in $counts; do
  for ((i = have; i < want; i++)); do
    printf 'name = "guest%d"\ntype = "pvh"\nkernel = "/guests/tiny-pvh"\nmemory = 4\nvcpus = 1\n' "$i" >"$work/$i.cfg"
    printf '%s\n' "$work/$i.cfg"
  done | xargs -r -n 500 xlx create -q -j 1 || exit 1
  have=$want
  measure "$want"
done

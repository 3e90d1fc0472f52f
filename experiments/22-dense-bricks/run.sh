#!/usr/bin/env bash
# 20,000 pairs from a mock survey's bricks, judged with the full profile; see README.md. About seven minutes on two cores and 12 GB, removed at the end.
set -euo pipefail
folder=${1:-data/dense-bricks}
arcgate=${ARCGATE:-.venv/bin/arcgate}
"$arcgate" mock out="$folder/survey" layout=scattered n_bricks=67 parents_per_brick=310 rows_per_brick=500 separated=true \
    'planes=[image,invvar,maskbits]' gap_share=0.1
parents=$("$arcgate" parents root="$folder/survey" runtime.data_dir="$folder" "known_lenses=[\"$folder/survey/known_lenses.csv\"]" |
    tee /dev/stderr | sed -n 's/^parents: .* galaxies: //p')
time "$arcgate" simulate hosts=legacy data.hosts.parents="$parents" data.hosts.survey="$folder/survey" psf=moffat_converted \
    data.n_pairs=20000 data.null_rows=20000 runtime.data_dir="$folder"
set=$(dirname "$(ls "$folder"/sets/*/dataset.json)")
"$arcgate" inspect data="$set"
# 3 and 4 are verdicts, not errors.
time "$arcgate" audit data="$set" view=annulus_robust gates=full "gates.known_lenses=[\"$folder/survey/known_lenses.csv\"]" \
    output="$folder/audit" track=false runtime.data_dir="$folder" || { code=$?; test $code -eq 3 -o $code -eq 4; }
rm -rf "$folder/survey" "$folder/sets" "$folder/hosts"

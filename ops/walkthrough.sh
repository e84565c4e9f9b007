# Sourced by ops/check: the README's way from 200 photos to captions by a model of one's own, tried.
# Needs steps.sh and usage().

walkthrough_heading='## A model of your own'

# The commands of that section, as the README has them: its indented lines.
readme_commands() {
  awk -v heading="$walkthrough_heading" '
    $0 == heading { inside = 1; next }
    /^## / { inside = 0 }
    inside && /^    / { print substr($0, 5) }
  ' "$root/README.md"
}

# first_photos PHOTOS CAPTIONS FOLDER: at most 200 of the photos with their captions, in FOLDER as the README has them.
# CAPTIONS is JSON Lines or one of Flickr's .token files.
first_photos() {
  local photo name taken=0
  mkdir -p "$3/photos"
  while IFS= read -r -d '' photo; do
    name=${photo##*/}
    awk -v name="$name" 'index($0, name "#") == 1 || index($0, "\"" name "\"")' "$2" >"$3/lines"
    if [[ ! -s $3/lines ]]; then continue; fi
    cp "$photo" "$3/photos/"
    cat "$3/lines" >>"$3/captions.jsonl"
    taken=$((taken + 1))
    if ((taken == 200)); then break; fi
  done < <(find "$1" -type f -print0 | sort -z)
  rm -f "$3/lines"
  if ((taken < 10)); then die "$taken photos of $1 have a caption in $2: too few"; fi
  say "$taken photos of $1"
}

# Runs the commands in a folder that has photos/, captions.jsonl and models/, and looks at what they leave.
walk() {
  local folder=$1 began=$SECONDS shown command status
  cd "$folder" || return
  while IFS= read -r command <&3; do
    status=0
    PATH=$root/build/$preset/bin:$PATH step "$command" bash -euo pipefail -c "$command" || status=$?
    # 1 of `photoscribe run`: finished, and some photos cannot be read.
    if ((status > 1)) || ((status == 1)) && [[ $command != "photoscribe run "* ]]; then return "$status"; fi
  done 3<commands
  shown=$(find . -maxdepth 1 -name '*.html' -size +4k | wc -l)
  [[ -s my-model/model.yaml && $shown -gt 0 ]] || die "the README's commands left no model or no page in $folder"
  say "the walkthrough took $((SECONDS - began)) s"
  if ((SECONDS - began > 600)); then die "more than the ten minutes that the README promises"; fi
}

walkthrough() {
  local photos='' captions='' folder
  preset=release
  while (($# > 0)); do
    case $1 in
      --photos) photos=$(realpath -e "${2:-}") || exit 2 ;;
      --captions) captions=$(realpath -e "${2:-}") || exit 2 ;;
      --preset) preset=${2:-} ;;
      *)
        usage >&2
        exit 2
        ;;
    esac
    if (($# < 2)); then
      usage >&2
      exit 2
    fi
    shift 2
  done
  if [[ -n $photos && -z $captions || -z $photos && -n $captions ]]; then
    printf 'ops/check walkthrough: --photos and --captions go together\n' >&2
    exit 2
  fi
  install_packages
  step "build $preset" build "$preset" photoscribe photoscribe-worker photoscribe-train draw_photos
  folder=$(mktemp -d)
  ln -s "$root/models" "$folder/models"
  readme_commands >"$folder/commands"
  [[ -s $folder/commands ]] || die "README.md has no commands under '$walkthrough_heading'"
  if [[ -n $photos ]]; then
    first_photos "$photos" "$captions" "$folder"
  else
    step "draw 200 photos" "$root/build/$preset/bin/draw_photos" "$folder" 200
  fi
  step "README's commands" walk "$folder"
  rm -rf "$folder"
}

"""Whether outlandish input gets one clear sentence: study files, command lines, reports of trainers."""

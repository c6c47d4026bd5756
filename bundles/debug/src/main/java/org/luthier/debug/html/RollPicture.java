package org.luthier.debug.html;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.luthier.api.notes.Note;

/** The piano rolls of both sides, one below the other, with the notes marked that only one side has. */
final class RollPicture {
    /** Notes of one pitch and instrument are the same note if they begin this near in time: the tolerance of transcription scores. */
    private static final double SAME_ONSET = 0.05;

    private static final int WIDTH = 1000;
    private static final int SEMITONE = 6;
    private static final int LEAST_WIDTH = 3;
    private static final int MOST_NOTES = 1500;
    private static final int MOST_LISTED = 40;
    private static final String[] PITCHES = {"C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"};

    private final List<Note> trace;
    private final List<Note> reference;
    private final Set<Integer> inTrace = new HashSet<>();
    private final Set<Integer> inReference = new HashSet<>();
    private final double from;
    private final double to;
    private final int lowest;
    private final int highest;

    RollPicture(Rolls rolls) {
        this.trace = sorted(rolls.trace());
        this.reference = sorted(rolls.reference());
        match();
        List<Note> all = new ArrayList<>(trace);
        all.addAll(reference);
        double start = all.stream().mapToDouble(Note::start).min().orElse(0);
        this.from = Math.floor(start * 10) / 10;
        this.to = Math.max(from + 0.1, all.stream().mapToDouble(Note::end).max().orElse(1));
        int low = all.stream().mapToInt(Note::pitch).min().orElse(60);
        int high = all.stream().mapToInt(Note::pitch).max().orElse(72);
        int wider = Math.max(1, (24 - (high - low)) / 2);
        this.lowest = Math.max(0, low - wider);
        this.highest = Math.min(127, high + wider);
    }

    private static List<Note> sorted(List<Note> notes) {
        return notes == null
                ? List.of()
                : notes.stream()
                        .sorted(Comparator.comparingDouble(Note::start)
                                .thenComparingInt(Note::pitch)
                                .thenComparingInt(Note::program)
                                .thenComparingDouble(Note::end))
                        .toList();
    }

    /** Each note of the trace takes the first free note of the reference that is the same. */
    private void match() {
        int begin = 0;
        for (int i = 0; i < trace.size(); i++) {
            Note mine = trace.get(i);
            while (begin < reference.size() && reference.get(begin).start() < mine.start() - SAME_ONSET) {
                begin++;
            }
            for (int j = begin; j < reference.size() && reference.get(j).start() <= mine.start() + SAME_ONSET; j++) {
                if (!inReference.contains(j) && same(mine, reference.get(j))) {
                    inReference.add(j);
                    inTrace.add(i);
                    break;
                }
            }
        }
    }

    private static boolean same(Note a, Note b) {
        return a.pitch() == b.pitch() && a.program() == b.program() && a.drum() == b.drum();
    }

    void write(Html html, Rolls rolls) {
        if (rolls.trace() != null && rolls.reference() != null) {
            html.open("p")
                    .text(Numbers.count(inTrace.size(), "note begins", "notes begin")
                            + " alike on both sides (within 50 ms); "
                            + (reference.size() - inReference.size()) + " only in the reference, "
                            + (trace.size() - inTrace.size()) + " only in the trace. ");
            html.element("span", "on both sides", "class", "key both").text(" ");
            html.element("span", "on one side only", "class", "key one").close();
        }
        if (rolls.reference() != null) {
            roll(html, "Reference", reference, rolls.trace() == null ? null : inReference);
        }
        if (rolls.trace() != null) {
            roll(html, "Trace", trace, rolls.reference() == null ? null : inTrace);
        }
        if (rolls.trace() != null && rolls.reference() != null) {
            table(html);
        }
    }

    /** @param matched places of the notes that the other side has, or null if there is no other side */
    private void roll(Html html, String side, List<Note> notes, Set<Integer> matched) {
        int height = (highest - lowest + 1) * SEMITONE;
        html.open("figure", "class", "roll");
        html.open("figcaption")
                .element("b", side)
                .text(" " + Numbers.count(notes.size(), "note", "notes"))
                .close();
        html.open("div", "class", "plot");
        html.open("div", "class", "y octaves", "aria-hidden", "true");
        for (int pitch = lowest; pitch <= highest; pitch++) {
            if (pitch % 12 == 0) {
                double top = 100.0 * (highest - pitch + 0.5) / (highest - lowest + 1);
                html.element("span", name(pitch), "style", String.format(Locale.ROOT, "top:%.1f%%", top));
            }
        }
        html.close();
        html.open(
                "svg",
                "viewBox",
                "0 0 " + WIDTH + " " + height,
                "preserveAspectRatio",
                "none",
                "role",
                "img",
                "aria-label",
                side + ": " + Numbers.count(notes.size(), "note", "notes") + " from " + name(lowest) + " to "
                        + name(highest));
        for (int pitch = lowest; pitch <= highest; pitch++) {
            if ("C♯ E♭ F♯ A♭ B♭".contains(PITCHES[pitch % 12]) && PITCHES[pitch % 12].length() > 1) {
                rectangle(html, "black", 0, y(pitch), WIDTH, SEMITONE);
                html.close();
            }
        }
        for (double second = Math.ceil(from * 2) / 2; second < to; second += gridStep()) {
            rectangle(html, "grid", x(second), 0, 1, height);
            html.close();
        }
        for (int i = 0; i < Math.min(MOST_NOTES, notes.size()); i++) {
            Note note = notes.get(i);
            boolean alone = matched != null && !matched.contains(i);
            double width = Math.max(LEAST_WIDTH, x(note.end()) - x(note.start()) - 1);
            rectangle(html, alone ? "alone" : "note", x(note.start()), y(note.pitch()) + 0.5, width, SEMITONE - 1.0);
            if (alone) {
                html.element("title", text(note) + ", only here");
            }
            html.close();
        }
        html.close().close();
        html.open("div", "class", "x", "aria-hidden", "true");
        html.element("span", seconds(from));
        if (notes.size() > MOST_NOTES) {
            html.element("span", "the first " + MOST_NOTES + " notes", "class", "faint");
        }
        html.element("span", seconds(to)).close();
        html.closeLine();
    }

    private double gridStep() {
        double step = 0.5;
        while ((to - from) / step > 40) {
            step *= 2;
        }
        return step;
    }

    private double x(double time) {
        return (time - from) / (to - from) * WIDTH;
    }

    private double y(int pitch) {
        return (double) (highest - pitch) * SEMITONE;
    }

    /** Left open, for a title. */
    private static void rectangle(Html html, String style, double x, double y, double width, double height) {
        html.open(
                "rect",
                "class",
                style,
                "x",
                number(x),
                "y",
                number(y),
                "width",
                number(width),
                "height",
                number(height));
    }

    private static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }

    private static String name(int pitch) {
        return PITCHES[pitch % 12] + (pitch / 12 - 1);
    }

    private static String seconds(double time) {
        return String.format(Locale.ROOT, "%.2f s", time);
    }

    private static String text(Note note) {
        return name(note.pitch()) + " at " + seconds(note.start())
                + (note.drum() ? ", drum" : ", program " + note.program());
    }

    private void table(Html html) {
        record Alone(Note note, String side) {}
        List<Alone> alone = new ArrayList<>();
        for (int i = 0; i < reference.size(); i++) {
            if (!inReference.contains(i)) {
                alone.add(new Alone(reference.get(i), "reference"));
            }
        }
        for (int i = 0; i < trace.size(); i++) {
            if (!inTrace.contains(i)) {
                alone.add(new Alone(trace.get(i), "trace"));
            }
        }
        if (alone.isEmpty()) {
            return;
        }
        alone.sort(Comparator.comparingDouble(one -> one.note().start()));
        html.open("details").element("summary", "Notes that only one side has");
        html.open("table", "class", "numbers").open("thead").open("tr");
        for (String heading : List.of("only in the", "pitch", "start", "end", "program")) {
            html.element("th", heading, "scope", "col");
        }
        html.close().close().open("tbody");
        for (Alone one : alone.subList(0, Math.min(MOST_LISTED, alone.size()))) {
            html.open("tr")
                    .element("td", one.side())
                    .element("td", name(one.note().pitch()));
            html.element("td", seconds(one.note().start()))
                    .element("td", seconds(one.note().end()));
            html.element(
                    "td",
                    one.note().drum() ? "drum" : Integer.toString(one.note().program()));
            html.close();
        }
        html.close().close();
        if (alone.size() > MOST_LISTED) {
            html.element("p", "and " + (alone.size() - MOST_LISTED) + " more", "class", "faint");
        }
        html.closeLine();
    }
}

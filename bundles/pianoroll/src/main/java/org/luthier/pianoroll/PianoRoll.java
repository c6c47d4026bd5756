package org.luthier.pianoroll;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.Provenance;
import org.luthier.api.notes.Transcription;

/** One picture in the making. */
final class PianoRoll {
    private static final double TITLE = 15;
    private static final double TEXT = 10.5;
    private static final double KEY_TEXT = 8.5;
    /** Least distance of two labels on the time axis, and of two fine lines. */
    private static final double LABEL_DISTANCE = 70;

    private static final double LINE_DISTANCE = 9;
    private static final double[] STEPS = {
        0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 36000
    };
    /** A semitone must be this high for a bend to be seen. */
    private static final int BEND_SEMITONE = 5;

    /** So that a long file name leaves room for the facts and the legend. */
    private static final double TITLE_WIDTH = 700;

    private final Transcription transcription;
    private final List<Note> notes;
    private final Layout layout;
    private final Canvas canvas;
    private final Lettering lettering;
    private final Instruments instruments;

    PianoRoll(Transcription transcription) throws IOException {
        this.transcription = transcription;
        this.notes = new ArrayList<>(transcription.notes());
        notes.sort(Comparator.comparingDouble(Note::start).thenComparingInt(Note::pitch));
        this.layout = Layout.of(notes, transcription.duration());
        this.canvas = new Canvas(Layout.WIDTH, layout.height(), Colours.PAGE);
        this.lettering = new Lettering();
        this.instruments = new Instruments();
    }

    Canvas draw() {
        drawHeader();
        for (int line = 0; line < layout.lines(); line++) {
            drawRows(line);
            drawTimeGrid(line);
        }
        for (Note note : notes) {
            drawNote(note);
        }
        for (int line = 0; line < layout.lines(); line++) {
            drawKeyboard(line);
        }
        return canvas;
    }

    private void drawHeader() {
        Provenance provenance = transcription.provenance();
        String title = lettering.fit(
                provenance.audio() == null ? "Piano roll" : provenance.audio().file(), TITLE, TITLE_WIDTH);
        lettering.draw(canvas, title, Layout.LEFT, 20, TITLE, Colours.INK);
        double left = Layout.LEFT + lettering.width(title, TITLE) + 22;
        String facts = provenance.model().id() + "   " + notes.size() + (notes.size() == 1 ? " note" : " notes") + "   "
                + time(transcription.duration(), 0.1) + (transcription.duration() < 60 ? " s" : "");
        lettering.draw(canvas, facts, left, 20 + TITLE - TEXT, TEXT, Colours.INK_SOFT);
        drawLegend(left + lettering.width(facts, TEXT) + 30);
    }

    /** Instruments at the right of the header, as many as there is room for. */
    private void drawLegend(double limit) {
        Map<String, Integer> entries = new LinkedHashMap<>();
        notes.stream()
                .sorted(Comparator.comparing(Note::drum).thenComparingInt(Note::program))
                .forEach(note -> entries.putIfAbsent(
                        instruments.name(note.program(), note.drum()),
                        Colours.instrument(note.program(), note.drum())));
        double right = Layout.ROLL_RIGHT;
        List<Map.Entry<String, Integer>> fromTheRight = new ArrayList<>(entries.entrySet());
        Collections.reverse(fromTheRight);
        for (Map.Entry<String, Integer> entry : fromTheRight) {
            double left = right - lettering.width(entry.getKey(), TEXT) - 20;
            if (left < limit) {
                break;
            }
            double top = 20 + TITLE - TEXT;
            canvas.roundRectangle(left, top - 0.5, left + 12, top + TEXT + 0.5, 3, entry.getValue());
            lettering.draw(canvas, entry.getKey(), left + 20, top, TEXT, Colours.INK_SOFT);
            right = left - 22;
        }
    }

    private void drawRows(int line) {
        for (int pitch = layout.lowest(); pitch <= layout.highest(); pitch++) {
            int top = layout.rowTop(line, pitch);
            canvas.fill(
                    Layout.ROLL_LEFT,
                    top,
                    Layout.ROLL_RIGHT,
                    top + layout.semitone(),
                    isBlack(pitch) ? Colours.BLACK_KEY_ROW : Colours.WHITE);
        }
    }

    private void drawTimeGrid(int line) {
        double pixelsPerSecond = (Layout.ROLL_RIGHT - Layout.ROLL_LEFT) / layout.seconds();
        double labels = step(LABEL_DISTANCE / pixelsPerSecond);
        double fine = step(LINE_DISTANCE / pixelsPerSecond);
        int bottom = layout.lineTop(line) + layout.lineHeight();
        double from = line * layout.seconds();
        double to = from + layout.seconds();
        drawVerticals(line, fine, Colours.GRID_FINE);
        drawVerticals(line, labels, Colours.GRID);
        for (int pitch = layout.lowest(); pitch <= layout.highest(); pitch++) {
            if (pitch % 12 == 0) {
                int y = layout.rowTop(line, pitch) + layout.semitone() - 1;
                canvas.fill(Layout.ROLL_LEFT, y, Layout.ROLL_RIGHT, y + 1, Colours.GRID);
            }
        }
        canvas.fill(Layout.ROLL_LEFT, bottom, Layout.ROLL_RIGHT, bottom + 1, Colours.INK_SOFT);
        for (long i = (long) Math.ceil(from / labels); i * labels <= to; i++) {
            double x = layout.x(line, i * labels);
            String label = time(i * labels, labels) + (i == 0 ? " s" : "");
            double width = lettering.width(label, TEXT);
            canvas.fill((int) x, bottom, (int) x + 1, bottom + 5, Colours.INK_SOFT);
            lettering.draw(
                    canvas,
                    label,
                    Math.min(x - width / 2, Layout.ROLL_RIGHT - width),
                    bottom + 9,
                    TEXT,
                    Colours.INK_SOFT);
        }
    }

    private void drawVerticals(int line, double step, int colour) {
        double from = line * layout.seconds();
        int top = layout.lineTop(line);
        for (long i = (long) Math.ceil(from / step); i * step <= from + layout.seconds(); i++) {
            int x = (int) layout.x(line, i * step);
            canvas.fill(x, top, x + 1, top + layout.lineHeight(), colour);
        }
    }

    private void drawNote(Note note) {
        double strength = 0.3 + 0.7 * note.velocity() / 127;
        int instrument = Colours.instrument(note.program(), note.drum());
        int fill = Colours.mix(Colours.WHITE, instrument, strength);
        int edge = Colours.mix(instrument, Colours.INK, 0.35);
        int line = (int) Math.max(0, Math.min(layout.lines() - 1, Math.floor(note.start() / layout.seconds())));
        if (note.drum()) {
            double x = layout.x(line, note.start());
            double y = layout.rowTop(line, note.pitch()) + layout.semitone() / 2.0;
            canvas.line(x, y, x, y, Math.max(4, layout.semitone() - 1), fill);
            return;
        }
        for (; line < layout.lines() && line * layout.seconds() < note.end(); line++) {
            double left = Math.max(Layout.ROLL_LEFT, layout.x(line, note.start()));
            double right = Math.min(Layout.ROLL_RIGHT, layout.x(line, note.end()));
            right = Math.max(right - 0.5, left + 1.5);
            double top = layout.rowTop(line, note.pitch());
            double bottom = top + layout.semitone() - 1;
            double radius = Math.min(3, Math.min(right - left, bottom - top) / 2);
            canvas.roundRectangle(left, top, right, bottom, radius, edge);
            if (right - left > 3 && bottom - top > 3) {
                canvas.roundRectangle(left + 1, top + 1, right - 1, bottom - 1, Math.max(0, radius - 1), fill);
            } else {
                canvas.roundRectangle(left, top, right, bottom, radius, fill);
            }
            if (note.bends() != null && layout.semitone() >= BEND_SEMITONE) {
                drawBends(note, line, edge);
            }
        }
    }

    private void drawBends(Note note, int line, int colour) {
        int count = note.bends().size();
        double length = (note.end() - note.start()) / Math.max(1, count);
        int from = 0;
        for (int i = 1; i < count; i++) {
            // A bend that is held is one stroke.
            if (i + 1 < count
                    && note.bends().get(i) == note.bends().get(from)
                    && note.bends().get(i + 1) == note.bends().get(i)) {
                continue;
            }
            double left = Math.max(Layout.ROLL_LEFT, layout.x(line, note.start() + (from + 0.5) * length));
            double right = Math.min(Layout.ROLL_RIGHT, layout.x(line, note.start() + (i + 0.5) * length));
            if (left < right) {
                double y0 = bendY(note, line, note.bends().get(from));
                double y1 = bendY(note, line, note.bends().get(i));
                canvas.line(left, y0, right, y1, 1.3, Colours.mix(colour, Colours.INK, 0.4));
            }
            from = i;
        }
    }

    /** A bend is a third of a semitone; what leaves the line is held at its edge. */
    private double bendY(Note note, int line, int bend) {
        double y = layout.rowTop(line, note.pitch()) + (layout.semitone() - 1) / 2.0 - bend * layout.semitone() / 3.0;
        return Math.max(layout.lineTop(line) + 1, Math.min(layout.lineTop(line) + layout.lineHeight() - 1, y));
    }

    private void drawKeyboard(int line) {
        int top = layout.lineTop(line);
        int bottom = top + layout.lineHeight();
        canvas.fill(Layout.LEFT, top, Layout.ROLL_LEFT, bottom, Colours.WHITE);
        for (int pitch = layout.lowest(); pitch <= layout.highest(); pitch++) {
            int row = layout.rowTop(line, pitch);
            if (isBlack(pitch)) {
                int middle = row + layout.semitone() / 2;
                canvas.fill(Layout.LEFT, middle, Layout.ROLL_LEFT, middle + 1, Colours.GRID);
                canvas.fill(Layout.LEFT, row, Layout.LEFT + 38, row + layout.semitone(), Colours.BLACK_KEY);
            } else if (pitch % 12 == 0 || pitch % 12 == 5) {
                int edge = row + layout.semitone() - 1;
                canvas.fill(Layout.LEFT, edge, Layout.ROLL_LEFT, edge + 1, Colours.GRID);
            }
            if (pitch % 12 == 0) {
                String label = "C" + (pitch / 12 - 1);
                double y = Math.max(top + 1, row + layout.semitone() / 2.0 - KEY_TEXT / 2);
                lettering.draw(
                        canvas,
                        label,
                        Layout.ROLL_LEFT - 5 - lettering.width(label, KEY_TEXT),
                        y,
                        KEY_TEXT,
                        Colours.INK);
            }
        }
        canvas.fill(Layout.LEFT, top, Layout.ROLL_LEFT, top + 1, Colours.GRID);
        canvas.fill(Layout.LEFT, bottom, Layout.ROLL_LEFT, bottom + 1, Colours.INK_SOFT);
        canvas.fill(Layout.ROLL_LEFT - 1, top, Layout.ROLL_LEFT, bottom + 1, Colours.INK_SOFT);
    }

    private static boolean isBlack(int pitch) {
        return switch (pitch % 12) {
            case 1, 3, 6, 8, 10 -> true;
            default -> false;
        };
    }

    /** The least round step that is not below a distance in seconds. */
    private static double step(double least) {
        for (double step : STEPS) {
            if (step >= least) {
                return step;
            }
        }
        return least;
    }

    /** A time as an axis says it: seconds below a minute, else minutes and seconds, with a decimal where steps need one. */
    private static String time(double seconds, double step) {
        String pattern = step < 1 ? "%.1f" : "%.0f";
        if (seconds < 60) {
            return String.format(Locale.ROOT, pattern, seconds);
        }
        long whole = Math.round(seconds);
        return whole < 3600
                ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }
}

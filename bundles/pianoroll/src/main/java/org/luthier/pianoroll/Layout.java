package org.luthier.pianoroll;

import java.util.List;
import org.luthier.api.notes.Note;

/**
 * Where things are on the page, in pixels: a header, then lines of equal length in time, like the systems of a score.
 *
 * <p>The width is fixed and the height bounded: a piece of up to half a minute is one line, a longer one is wrapped into up to twelve,
 * and an hour is twelve lines of five minutes.
 *
 * @param lines number of lines
 * @param seconds length of a line in time
 * @param lowest lowest pitch shown
 * @param highest highest pitch shown
 * @param semitone height of a semitone
 */
record Layout(int lines, double seconds, int lowest, int highest, int semitone) {
    static final int WIDTH = 1600;
    static final int HEADER = 66;
    static final int LEFT = 24;
    static final int KEYBOARD = 66;
    static final int ROLL_LEFT = LEFT + KEYBOARD;
    static final int ROLL_RIGHT = WIDTH - 24;
    /** Room below a line for the time axis. */
    static final int AXIS = 40;

    private static final double LINE_SECONDS = 30;
    private static final int MOST_LINES = 12;
    private static final int HEIGHT = 2400;
    private static final int LEAST_SEMITONE = 3;
    private static final int MOST_SEMITONE = 14;
    private static final int LEAST_RANGE = 25;

    static Layout of(List<Note> notes, double duration) {
        double end = Math.max(duration, 0.1);
        int low = 127;
        int high = 0;
        for (Note note : notes) {
            end = Math.max(end, note.end());
            low = Math.min(low, note.pitch());
            high = Math.max(high, note.pitch());
        }
        if (notes.isEmpty()) {
            low = 60;
            high = 60;
        }
        int widen = Math.max(2, (LEAST_RANGE - (high - low)) / 2);
        low = Math.max(0, low - widen);
        high = Math.min(127, high + widen);
        int lines = (int) Math.max(1, Math.min(MOST_LINES, Math.ceil(end / LINE_SECONDS)));
        int room = lines == 1 ? HEIGHT / 4 : HEIGHT / lines - AXIS;
        int semitone = Math.max(LEAST_SEMITONE, Math.min(MOST_SEMITONE, room / (high - low + 1)));
        return new Layout(lines, end / lines, low, high, semitone);
    }

    int lineHeight() {
        return (highest - lowest + 1) * semitone;
    }

    int height() {
        return HEADER + lines * (lineHeight() + AXIS);
    }

    int lineTop(int line) {
        return HEADER + line * (lineHeight() + AXIS);
    }

    /** Upper edge of a pitch's row. */
    int rowTop(int line, int pitch) {
        return lineTop(line) + (highest - pitch) * semitone;
    }

    /** Where on a line a time is; outside the roll if it is on another line. */
    double x(int line, double time) {
        return ROLL_LEFT + (time / seconds - line) * (ROLL_RIGHT - ROLL_LEFT);
    }
}

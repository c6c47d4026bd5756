package org.luthier.pianoroll;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.Map;

/**
 * Letters drawn as strokes, so that labels need no font of the machine and look the same everywhere.
 *
 * <p>{@code strokes.txt} has one character a line: polylines separated by commas, each point two digits, x to the right from 0 to 4 and y
 * down from 0 (top of a capital) to 6 (base line) to 8 (bottom of a g).
 */
final class Lettering {
    /** From the top of a capital to the base line, in grid units. */
    private static final int CAPITAL = 6;

    private static final double GAP = 2.2;
    private static final double SPACE = 2.6;
    /** Thickness of a stroke in grid units. */
    private static final double STROKE = 0.78;

    /**
     * One character.
     *
     * @param lines polylines, each x, y, x, y, ...
     * @param width from the leftmost point, which is at x = 0, to the rightmost
     */
    private record Glyph(int[][] lines, int width) {}

    private final Map<Integer, Glyph> glyphs = new HashMap<>();

    Lettering() throws IOException {
        try (InputStream in = Lettering.class.getResourceAsStream("strokes.txt");
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                glyphs.put((int) line.charAt(0), glyph(line.substring(2)));
            }
        }
    }

    private static Glyph glyph(String text) {
        String[] parts = text.split(",");
        int[][] lines = new int[parts.length][];
        int left = Integer.MAX_VALUE;
        int right = 0;
        for (int i = 0; i < parts.length; i++) {
            lines[i] = parts[i].chars().filter(c -> c != ' ').map(c -> c - '0').toArray();
            for (int x = 0; x < lines[i].length; x += 2) {
                left = Math.min(left, lines[i][x]);
                right = Math.max(right, lines[i][x]);
            }
        }
        for (int[] line : lines) {
            for (int x = 0; x < line.length; x += 2) {
                line[x] -= left;
            }
        }
        return new Glyph(lines, right - left);
    }

    /** How wide a text is.
     *
     * @param size height of a capital in pixels */
    double width(String text, double size) {
        double width = 0;
        for (int c : letters(text)) {
            width += c == ' ' ? SPACE : glyph(c).width() + GAP;
        }
        return Math.max(0, width - GAP) * size / CAPITAL;
    }

    /** A text, or as much of its beginning as is no wider than a limit in pixels, with three dots. */
    String fit(String text, double size, double limit) {
        String shown = text;
        for (int length = text.length(); width(shown, size) > limit; ) {
            length -= 1 + length / 16;
            shown = text.substring(0, length) + "...";
        }
        return shown;
    }

    /** Draws a text.
     *
     * @param left where it begins
     * @param top of a capital
     * @param size height of a capital in pixels */
    void draw(Canvas canvas, String text, double left, double top, double size, int colour) {
        double unit = size / CAPITAL;
        double x = left;
        for (int c : letters(text)) {
            if (c == ' ') {
                x += SPACE * unit;
                continue;
            }
            Glyph glyph = glyph(c);
            for (int[] line : glyph.lines()) {
                for (int i = 0; i + 3 < line.length; i += 2) {
                    canvas.line(
                            x + line[i] * unit,
                            top + line[i + 1] * unit,
                            x + line[i + 2] * unit,
                            top + line[i + 3] * unit,
                            STROKE * unit,
                            colour);
                }
            }
            x += (glyph.width() + GAP) * unit;
        }
    }

    private Glyph glyph(int c) {
        return glyphs.getOrDefault(c, glyphs.get((int) '?'));
    }

    /** Accents are left out. */
    private static int[] letters(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFD)
                .codePoints()
                .filter(c -> Character.getType(c) != Character.NON_SPACING_MARK)
                .toArray();
    }
}

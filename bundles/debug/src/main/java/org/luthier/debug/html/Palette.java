package org.luthier.debug.html;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import org.luthier.files.picture.Png;

/**
 * Colours for numbers, told apart by people who see red and green alike: blue is little or less, orange and red are much or more. Where
 * there is nothing to see a colour is transparent, so that the page's own background, dark or light, shows through.
 */
final class Palette {
    /** Nothing was compared here. */
    static final int NONE = 0;

    /** Decimal powers of the smallest and the largest error that have a colour of their own. */
    static final int LEAST = -7;

    static final int MOST = 0;

    private static final int LEVELS = 63;

    /** Place 0 is {@link #NONE}. */
    static final Palette ERRORS = new Palette(
            new double[] {0, 0.001, 0.42, 0.48, 0.7, 0.88, 1},
            new int[] {0x003A8FC8, 0x1F3A8FC8, 0xC83A8FC8, 0xE0EFC050, 0xFFE68A00, 0xFFD03A00, 0xFFD0005C});

    /** From less to more through nothing. */
    static final Palette DIFFERENCES = new Palette(
            new double[] {0, 0.25, 0.5, 0.75, 1},
            new int[] {0xFF0060C0, 0x9056B4E9, 0x00808080, 0x90E69F00, 0xFFD04000});

    /** From low to high, evenly lighter. */
    static final Palette VALUES = new Palette(
            new double[] {0, 0.25, 0.5, 0.75, 1},
            new int[] {0xFF06142E, 0xFF1F4B80, 0xFF4F8C8C, 0xFFC5B45A, 0xFFFFF3A8});

    private static final int GREY = 0x668890A0;

    private final int[] colours = new int[LEVELS + 1];

    private Palette(double[] stops, int[] stopColours) {
        colours[NONE] = GREY;
        for (int level = 0; level < LEVELS; level++) {
            double at = (double) level / (LEVELS - 1);
            int next = 1;
            while (stops[next] < at) {
                next++;
            }
            double share = (at - stops[next - 1]) / (stops[next] - stops[next - 1]);
            colours[level + 1] = mix(stopColours[next - 1], stopColours[next], share);
        }
    }

    private static int mix(int first, int second, double share) {
        int mixed = 0;
        for (int shift = 0; shift < 32; shift += 8) {
            int a = first >>> shift & 0xFF;
            int b = second >>> shift & 0xFF;
            mixed |= (int) Math.round(a + (b - a) * share) << shift;
        }
        return mixed;
    }

    /** The place of a share from 0 to 1; of NaN none. */
    static int level(double share) {
        return Double.isNaN(share) ? NONE : 1 + (int) Math.round(Math.max(0, Math.min(1, share)) * (LEVELS - 1));
    }

    /** The share of a relative error, on a logarithmic scale. */
    static double ofError(double error) {
        return Double.isNaN(error) ? error : Math.min(1, Math.max(0, (Math.log10(error) - LEAST) / (MOST - LEAST)));
    }

    /** A picture as an address that holds it. */
    String picture(int width, int height, Png.Pixels levels) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            Png.indexed(width, height, levels, colours, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    /** All colours from left to right, for a legend. */
    String legend() {
        return picture(LEVELS, 1, (x, y) -> x + 1);
    }
}

package org.luthier.debug.html;

import java.util.List;
import org.luthier.debug.CommonPlaces;

/**
 * A tensor of both sides as pictures: positions to the right, one row of the tensor behind another, and all other dimensions upwards,
 * the last one varying fastest. A pixel is the mean of the values that fall on it; of the differences, the largest.
 */
final class Picture {
    private final int width;
    private final int height;
    private final double[] trace;
    private final double[] reference;
    private final double[] difference;
    private final int[] count;
    private final String positions;
    private final int channels;

    private Picture(int width, int height, String positions, int channels) {
        this.width = width;
        this.height = height;
        this.trace = new double[width * height];
        this.reference = new double[width * height];
        this.difference = new double[width * height];
        this.count = new int[width * height];
        this.positions = positions;
        this.channels = channels;
    }

    /**
     * Lays out a picture.
     *
     * @param axis the dimension that counts positions
     * @param word what a position is called
     * @param mostColumns pixels at most, from left to right
     * @param mostRows pixels at most, upwards
     */
    static Picture of(CommonPlaces common, int axis, String word, int mostColumns, int mostRows) {
        List<Integer> sizes = common.sizes();
        int rows = axis == 0 ? 1 : sizes.get(0);
        int positions = sizes.get(axis);
        int columns = Math.multiplyExact(rows, positions);
        int channels = 1;
        for (int i = 1; i < sizes.size(); i++) {
            channels *= i == axis ? 1 : sizes.get(i);
        }
        int width = Math.min(mostColumns, columns);
        int height = Math.min(mostRows, channels);
        String range = word + "s " + common.whole(axis, 0) + " to " + common.whole(axis, positions - 1);
        Picture picture = new Picture(width, height, rows == 1 ? range : range + ", " + rows + " times", channels);
        int all = channels;
        common.forEach((index, mine, theirs) -> {
            if (!Float.isFinite(mine) || !Float.isFinite(theirs)) {
                return;
            }
            int channel = 0;
            for (int i = 1; i < index.length; i++) {
                channel = i == axis ? channel : channel * sizes.get(i) + index[i];
            }
            int column = axis == 0 ? index[0] : index[0] * positions + index[axis];
            int x = (int) ((long) column * width / columns);
            int y = height - 1 - (int) ((long) channel * height / all);
            picture.add(y * width + x, mine, theirs);
        });
        return picture;
    }

    private void add(int pixel, double mine, double theirs) {
        trace[pixel] += mine;
        reference[pixel] += theirs;
        count[pixel]++;
        double apart = mine - theirs;
        if (Math.abs(apart) > Math.abs(difference[pixel])) {
            difference[pixel] = apart;
        }
    }

    /** Writes the three pictures, or only one where both sides are the same. */
    void write(Html html, String name, boolean both) {
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        double apart = 0;
        for (int i = 0; i < count.length; i++) {
            if (count[i] > 0) {
                trace[i] /= count[i];
                reference[i] /= count[i];
                least = Math.min(least, Math.min(trace[i], reference[i]));
                most = Math.max(most, Math.max(trace[i], reference[i]));
                apart = Math.max(apart, Math.abs(difference[i]));
            }
        }
        html.open("div", "class", "panels");
        String range = least > most ? "no finite value" : Numbers.value(least) + " to " + Numbers.value(most);
        double low = least;
        double high = most;
        panel(
                html,
                both ? "Reference" : "The one side that has it",
                name,
                range,
                Palette.VALUES,
                i -> share(reference[i], low, high));
        if (both) {
            panel(html, "Trace", name, range, Palette.VALUES, i -> share(trace[i], low, high));
            double limit = apart;
            String differences = apart == 0 ? "no difference" : "largest " + Numbers.error(apart) + ", roots shown";
            panel(html, "Difference", name, differences, Palette.DIFFERENCES, i -> rooted(difference[i], limit));
        }
        html.closeLine();
    }

    private static double share(double value, double low, double high) {
        return high > low ? (value - low) / (high - low) : 0.5;
    }

    /** The root, so that what is small beside the largest is seen too. */
    private static double rooted(double difference, double limit) {
        return limit > 0 ? 0.5 + 0.5 * Math.signum(difference) * Math.sqrt(Math.abs(difference) / limit) : 0.5;
    }

    private interface Share {
        double at(int pixel);
    }

    private void panel(Html html, String side, String name, String range, Palette palette, Share share) {
        String source = palette.picture(width, height, (x, y) -> {
            int pixel = y * width + x;
            return count[pixel] == 0 ? Palette.NONE : Palette.level(share.at(pixel));
        });
        html.open("figure", "class", "panel");
        html.open("figcaption").element("b", side).text(" " + range).close();
        html.open("div", "class", "plot");
        html.open("div", "class", "y", "aria-hidden", "true");
        html.element("span", Integer.toString(channels - 1))
                .element("span", "0")
                .close();
        html.empty(
                "img",
                "src",
                source,
                "class",
                width < 200 ? "picture sharp" : "picture",
                "alt",
                side + " of " + name + ": " + range);
        html.close();
        html.open("div", "class", "x", "aria-hidden", "true")
                .element("span", positions)
                .close();
        html.closeLine();
    }
}

package org.luthier.pianoroll;

import java.util.Arrays;

/**
 * A picture in memory, drawn with smooth edges.
 *
 * <p>Shapes are distance fields: a pixel is covered by how far its centre lies inside the shape. Colours are 0xRRGGBB; coordinates
 * are pixels from the upper left corner; what falls outside is cut off.
 */
final class Canvas {
    private final int width;
    private final int height;
    private final int[] pixels;

    Canvas(int width, int height, int background) {
        this.width = width;
        this.height = height;
        this.pixels = new int[width * height];
        Arrays.fill(pixels, background);
    }

    int width() {
        return width;
    }

    int height() {
        return height;
    }

    int pixel(int x, int y) {
        return pixels[y * width + x];
    }

    /** A rectangle of whole pixels. */
    void fill(int left, int top, int right, int bottom, int colour) {
        for (int y = Math.max(0, top); y < Math.min(height, bottom); y++) {
            for (int x = Math.max(0, left); x < Math.min(width, right); x++) {
                pixels[y * width + x] = colour;
            }
        }
    }

    /** A rectangle with round corners. */
    void roundRectangle(double left, double top, double right, double bottom, double radius, int colour) {
        double centreX = (left + right) / 2;
        double centreY = (top + bottom) / 2;
        double straightX = (right - left) / 2 - radius;
        double straightY = (bottom - top) / 2 - radius;
        for (int y = first(top); y <= last(bottom, height); y++) {
            for (int x = first(left); x <= last(right, width); x++) {
                double dx = Math.abs(x + 0.5 - centreX) - straightX;
                double dy = Math.abs(y + 0.5 - centreY) - straightY;
                double distance = Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius;
                blend(x, y, colour, 0.5 - distance);
            }
        }
    }

    /** A straight line with round ends; a dot if both ends are the same. */
    void line(double x0, double y0, double x1, double y1, double thickness, int colour) {
        double dx = x1 - x0;
        double dy = y1 - y0;
        double square = dx * dx + dy * dy;
        double radius = thickness / 2;
        for (int y = first(Math.min(y0, y1) - radius); y <= last(Math.max(y0, y1) + radius, height); y++) {
            for (int x = first(Math.min(x0, x1) - radius); x <= last(Math.max(x0, x1) + radius, width); x++) {
                double px = x + 0.5 - x0;
                double py = y + 0.5 - y0;
                double along = square == 0 ? 0 : Math.max(0, Math.min(1, (px * dx + py * dy) / square));
                blend(x, y, colour, 0.5 + radius - Math.hypot(px - along * dx, py - along * dy));
            }
        }
    }

    private static int first(double edge) {
        return (int) Math.max(0, Math.floor(edge - 1));
    }

    private static int last(double edge, int size) {
        return (int) Math.min(size - 1, Math.ceil(edge + 1));
    }

    private void blend(int x, int y, int colour, double coverage) {
        if (coverage > 0) {
            int i = y * width + x;
            pixels[i] = Colours.mix(pixels[i], colour, Math.min(1, coverage));
        }
    }
}

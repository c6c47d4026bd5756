package org.luthier.files.picture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Another reader sees what was written. */
class PngTest {
    private static BufferedImage read(ByteArrayOutputStream bytes) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(bytes.toByteArray()));
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "7, 3", "64, 65"})
    void fullColour(int width, int height) throws IOException {
        int[] pixels = new Random(5).ints(width * height, 0, 1 << 24).toArray();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Png.rgb(width, height, (x, y) -> pixels[y * width + x], bytes);
        BufferedImage image = read(bytes);
        assertEquals(width, image.getWidth());
        assertEquals(height, image.getHeight());
        for (int i = 0; i < pixels.length; i++) {
            assertEquals(pixels[i], image.getRGB(i % width, i / width) & 0xFFFFFF);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "7, 3, 5", "64, 65, 256"})
    void fewColoursSomeOfThemTransparent(int width, int height, int colours) throws IOException {
        Random random = new Random(6);
        // Of what is wholly transparent a reader need not keep the colour.
        int[] palette = random.ints(colours).map(colour -> colour | 1 << 24).toArray();
        int[] pixels = random.ints(width * height, 0, colours).toArray();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Png.indexed(width, height, (x, y) -> pixels[y * width + x], palette, bytes);
        BufferedImage image = read(bytes);
        for (int i = 0; i < pixels.length; i++) {
            assertEquals(palette[pixels[i]], image.getRGB(i % width, i / width));
        }
    }

    @Test
    void sameBytesEveryTime() throws IOException {
        ByteArrayOutputStream first = new ByteArrayOutputStream();
        ByteArrayOutputStream second = new ByteArrayOutputStream();
        for (ByteArrayOutputStream out : new ByteArrayOutputStream[] {first, second}) {
            Png.indexed(3, 3, (x, y) -> x ^ y, new int[] {0, -1, 1, 2}, out);
        }
        assertArrayEquals(first.toByteArray(), second.toByteArray());
    }

    @Test
    void aPaletteHasAByteAPixel() {
        assertThrows(
                IllegalArgumentException.class,
                () -> Png.indexed(1, 1, (x, y) -> 0, new int[257], new ByteArrayOutputStream()));
    }
}

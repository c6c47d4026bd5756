package org.luthier.files;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.LuthierException;

class Sha256Test {
    /** FIPS 180-2, appendix B.1 and B.2. */
    private static final String ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    private static final String TWO_BLOCKS = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";

    @TempDir
    Path folder;

    @Test
    void standardExamples() {
        assertEquals(ABC, Sha256.hex("abc".getBytes(US_ASCII)));
        assertEquals(
                TWO_BLOCKS, Sha256.hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".getBytes(US_ASCII)));
    }

    @Test
    void bufferKeepsItsPosition() {
        ByteBuffer bytes = ByteBuffer.wrap("xabc".getBytes(US_ASCII)).position(1);
        assertEquals(ABC, Sha256.hex(bytes));
        assertEquals(ABC, Sha256.hex(bytes));
    }

    @Test
    void fileEqualsItsBytes() throws IOException {
        byte[] bytes = new byte[200_001];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31);
        }
        Path file = Files.write(folder.resolve("file"), bytes);
        assertEquals(Sha256.hex(bytes), Sha256.hex(file));
    }

    @Test
    void startsAnewAfterTheEnd() {
        Sha256 sum = new Sha256();
        byte[] abc = "abc".getBytes(US_ASCII);
        assertEquals(ABC, sum.update(abc, 0, 1).update(abc, 1, 2).hex());
        assertEquals(ABC, sum.update(abc, 0, 3).hex());
    }

    @Test
    void missingFileIsToldPlainly() {
        Path missing = folder.resolve("missing");
        LuthierException e = assertThrows(LuthierException.class, () -> Sha256.hex(missing));
        assertTrue(e.getMessage().startsWith("cannot read " + missing), e.getMessage());
    }
}

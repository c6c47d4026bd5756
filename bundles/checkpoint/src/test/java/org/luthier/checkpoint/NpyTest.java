package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;

class NpyTest {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final ByteOrder BIG = ByteOrder.BIG_ENDIAN;

    @TempDir
    Path folder;

    private final NpyFormat format = new NpyFormat();

    @Test
    void readsARealRecording() {
        Path wave = Path.of(System.getProperty("luthier.root")).resolve("samples/vocadito14/wave_22050.npy");
        try (Checkpoint checkpoint = format.open(wave)) {
            assertEquals("npy", checkpoint.format());
            assertEquals(DType.F32, checkpoint.tensors().get("array").dtype());
            float[] samples = checkpoint.floats("array");
            assertEquals(
                    List.of((long) samples.length),
                    checkpoint.tensors().get("array").shape());
            float peak = 0;
            for (float sample : samples) {
                peak = Math.max(peak, Math.abs(sample));
            }
            assertTrue(peak > 0.01f && peak <= 1, "peak " + peak);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyVersion(int version) throws IOException {
        byte[] bytes = TestFiles.npy(
                version,
                "{\"descr\": '<f4',  'shape':(2 , 3,) , \"fortran_order\":False}",
                TestFiles.floats(LITTLE, 1, 2, 3, 4, 5, 6));
        assertFloats(bytes, List.of(2L, 3L), 1, 2, 3, 4, 5, 6);
    }

    @Test
    void bigEndianIsTurnedRound() throws IOException {
        assertFloats(TestFiles.npy(">f4", false, "(2,)", TestFiles.floats(BIG, 1.5f, -3)), List.of(2L), 1.5f, -3);
        byte[] longs = ByteBuffer.allocate(8).putLong(-5).array();
        assertFloats(TestFiles.npy(">i8", false, "(1,)", longs), List.of(1L), -5);
        byte[] shorts = ByteBuffer.allocate(4)
                .putShort((short) 258)
                .putShort((short) -2)
                .array();
        assertFloats(TestFiles.npy(">i2", false, "(2,)", shorts), List.of(2L), 258, -2);
    }

    @Test
    void columnMajorBecomesRowMajor() throws IOException {
        // [[1, 2, 3], [4, 5, 6]] by columns.
        byte[] matrix = TestFiles.floats(LITTLE, 1, 4, 2, 5, 3, 6);
        assertFloats(TestFiles.npy("<f4", true, "(2, 3)", matrix), List.of(2L, 3L), 1, 2, 3, 4, 5, 6);
        // Element [i, j, k] holds 100 i + 10 j + k; the first index runs fastest.
        ByteBuffer cube = ByteBuffer.allocate(24).order(BIG);
        float[] expected = new float[24];
        for (int k = 0; k < 4; k++) {
            for (int j = 0; j < 3; j++) {
                for (int i = 0; i < 2; i++) {
                    cube.put((byte) (100 * i + 10 * j + k));
                    expected[(i * 3 + j) * 4 + k] = 100 * i + 10 * j + k;
                }
            }
        }
        assertFloats(TestFiles.npy("|u1", true, "(2, 3, 4)", cube.array()), List.of(2L, 3L, 4L), expected);
        assertFloats(
                TestFiles.npy(">f4", true, "(2, 2)", TestFiles.floats(BIG, 1, 3, 2, 4)), List.of(2L, 2L), 1, 2, 3, 4);
        assertFloats(TestFiles.npy("<f4", true, "(2, 0)", new byte[0]), List.of(2L, 0L));
    }

    @Test
    void scalarsAndEmptyArrays() throws IOException {
        assertFloats(TestFiles.npy("<f4", false, "()", TestFiles.floats(LITTLE, 7)), List.of(), 7);
        assertFloats(TestFiles.npy("<f4", true, "()", TestFiles.floats(LITTLE, 7)), List.of(), 7);
        assertFloats(TestFiles.npy("<f8", false, "(0,)", new byte[0]), List.of(0L));
    }

    @Test
    void everyReadableType() throws IOException {
        for (String descr :
                List.of("<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "|b1", ">f2", ">i4", "<i1")) {
            int width = descr.charAt(2) - '0';
            assertFloats(TestFiles.npy(descr, false, "(3,)", new byte[3 * width]), List.of(3L), 0, 0, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<u2", "<u4", "<u8", "<c8", "<c16", "|O", "|S5", "<U3", "<M8[s]", "|V2", "=f4", "f4", "|f4", "<f16", ""
            })
    void otherTypesAreRefusedByName(String descr) throws IOException {
        CheckpointException e = broken(TestFiles.npy(descr, false, "(1,)", new byte[8]), "dtype");
        assertTrue(e.getMessage().contains("'" + descr + "'"), e.getMessage());
    }

    @ParameterizedTest(name = "{1}: {0}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}; dtype",
                "{'descr': '<f4', 'fortran_order': False}; header-field",
                "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}; header-field",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}; header-field",
                "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}; header-syntax",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1)}; header-syntax",
                "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}; header-syntax",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}; header-syntax",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}; header-number",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}; header-number",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1L,)}; header-syntax",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}; header-syntax",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}; header-number",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),)}; header-number",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}; truncated",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}; tensor-size",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}; tensor-size",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x; header-end",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,); header-syntax",
                "{'descr': '<f4 ; header-syntax",
                "{'de\\scr': '<f4'}; header-syntax",
                "x; header-syntax",
            })
    void headerRules(String header, String rule) throws IOException {
        broken(TestFiles.npy(1, header, TestFiles.floats(LITTLE, 1)), rule);
    }

    @Test
    void lengthsAndVersions() throws IOException {
        byte[] valid = TestFiles.npy("<f4", false, "(1,)", TestFiles.floats(LITTLE, 1));
        byte[] version = valid.clone();
        version[6] = 4;
        broken(version, "version");
        byte[] length = valid.clone();
        length[9] = (byte) 0xff;
        broken(length, "header-length");
        byte[] magic = valid.clone();
        magic[1] = 'n';
        broken(magic, "magic");
        broken(new byte[0], "magic");
        byte[] hugeHeader = TestFiles.npy(2, "{", new byte[100]);
        ByteBuffer.wrap(hugeHeader).order(LITTLE).putInt(8, -1);
        broken(hugeHeader, "header-length");
        byte[] notUtf8 = TestFiles.npy(3, "{'descr': 'xx'}", new byte[0]);
        notUtf8[12 + 12] = (byte) 0xff;
        broken(notUtf8, "header-utf8");
    }

    @Test
    void recognisesByContent() throws IOException {
        assertTrue(format.recognises(write(TestFiles.npy("|O", false, "()", new byte[0]))));
        assertFalse(format.recognises(write(new byte[] {(byte) 0x93, 'N'})));
        assertFalse(format.recognises(folder));
    }

    private void assertFloats(byte[] bytes, List<Long> shape, float... values) throws IOException {
        try (Checkpoint checkpoint = format.open(write(bytes))) {
            assertEquals(shape, checkpoint.tensors().get(NpyFormat.ARRAY).shape());
            assertArrayEquals(values, checkpoint.floats(NpyFormat.ARRAY));
        }
    }

    private CheckpointException broken(byte[] bytes, String rule) throws IOException {
        Path file = write(bytes);
        CheckpointException e = assertThrows(CheckpointException.class, () -> format.open(file));
        assertEquals(rule, e.rule(), e.getMessage());
        return e;
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("x.npy"), bytes);
    }
}

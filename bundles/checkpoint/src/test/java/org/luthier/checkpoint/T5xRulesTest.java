package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.luthier.checkpoint.T5xFolder.array;
import static org.luthier.checkpoint.T5xFolder.compress;
import static org.luthier.checkpoint.T5xFolder.concat;
import static org.luthier.checkpoint.T5xFolder.floats;
import static org.luthier.checkpoint.T5xFolder.gzipWith;
import static org.luthier.checkpoint.T5xFolder.header;
import static org.luthier.checkpoint.T5xFolder.little;
import static org.luthier.checkpoint.T5xFolder.pack;
import static org.luthier.checkpoint.T5xFolder.reference;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.checkpoint.T5xFolder.Extension;
import org.luthier.checkpoint.T5xFolder.Pairs;
import org.luthier.checkpoint.T5xFolder.Raw;

/** Each rule of T5X folders, broken: one typed error that names the file and the rule. */
class T5xRulesTest {
    private static final Path HEADER = Path.of("target.k/.zarray");
    private static final Path CHUNK = Path.of("target.k/0.0");
    private static final byte[] NUMBERS = little(1, 2, 3, 4, 5, 6);

    @TempDir
    Path temporary;

    private final T5xFormat format = new T5xFormat();

    /** What is done to a good folder, before its file {@code checkpoint} is written. */
    private interface Change {
        void apply(T5xFolder folder) throws IOException;
    }

    /**
     * A broken rule.
     *
     * @param file end of the name of the file that the error must be about
     */
    private record Rule(String rule, String name, String file, Change change) {
        @Override
        public String toString() {
            return rule + ": " + name;
        }
    }

    /** Something wrong in the file {@code checkpoint}. */
    private static Rule file(String rule, String name, Change change) {
        return new Rule(rule, name, "checkpoint", change);
    }

    /** Something wrong among the parameters. */
    private static Rule target(String rule, String name, Object value) {
        return file(rule, name, folder -> folder.target.put("x", value));
    }

    /** Something wrong in a reference to an array. */
    private static Rule field(String rule, String file, String name, Object value, String... keys) {
        return new Rule(rule, String.join(".", keys) + " " + name, file, folder -> {
            Map<String, Object> map = at(folder, Arrays.copyOf(keys, keys.length - 1));
            if (value == null) {
                map.remove(keys[keys.length - 1]);
            } else {
                map.put(keys[keys.length - 1], value);
            }
        });
    }

    /** Something wrong in the field of a {@code .zarray}. */
    private static Rule zarray(String rule, String field, Object value) {
        return new Rule(rule, field + " " + value, HEADER.toString(), folder -> {
            Map<String, Object> header = header(List.of(2, 3));
            header.put(field, value);
            folder.zarr("k", "float32", header, Map.of());
        });
    }

    /** A {@code .zarray} that is nothing like one. */
    private static Rule text(String rule, String name, byte[] content) {
        return new Rule(rule, name, HEADER.toString(), folder -> Files.write(folder.path.resolve(HEADER), content));
    }

    private static Rule text(String rule, String name, String content) {
        return text(rule, name, content.getBytes(StandardCharsets.UTF_8));
    }

    /** A chunk with other bytes in it. */
    private static Rule chunk(String rule, String name, byte[] content) {
        return new Rule(rule, name, CHUNK.toString(), folder -> Files.write(folder.path.resolve(CHUNK), content));
    }

    /** A shape that the chunks do not fill. */
    private static Rule shape(String rule, String name, Path file, Object fill, List<?> shape, List<?> chunks) {
        return new Rule(rule, name, file.toString(), folder -> {
            if (fill != null) {
                Files.delete(folder.path.resolve(CHUNK));
            }
            Map<String, Object> header = header(shape);
            header.put("chunks", chunks);
            header.put("fill_value", fill);
            folder.zarr("k", "float32", header, Map.of());
        });
    }

    private static Rule file(String rule, String name, Path file, Change change) {
        return new Rule(rule, name, file.toString(), change);
    }

    static List<Rule> messagePack() {
        List<Rule> rules = new ArrayList<>(List.of(
                file("structure", "optimizer that is no map", f -> f.root.put("optimizer", 1)),
                file("structure", "target that is no map", f -> f.optimizer.put("target", List.of())),
                file("structure", "state that is no map", f -> f.optimizer.put("state", 1)),
                file("no-target", "no target", f -> f.optimizer.remove("target")),
                file("duplicate-key", "two targets", f -> f.root.put("target", f.target)),
                file("version", "newer version", f -> f.root.put("version", 4)),
                file("version", "version that is text", f -> f.root.put("version", "3")),
                file("version", "nil", f -> f.root.put("version", null)),
                file("step", "step that is text", f -> f.state.put("step", "many")),
                file("step", "vector", f -> f.state.put("step", array(List.of(1), "int32", new byte[4]))),
                file("step", "float", f -> f.state.put("step", array(List.of(), "float32", new byte[4]))),
                target("reserved-byte", "in a parameter", new Raw(0xc1)),
                file("reserved-byte", "in what is skipped", f -> f.state.put("x", new Raw(0xc1))),
                target("number", "2^63", new Raw(0xcf, 128, 0, 0, 0, 0, 0, 0, 0)),
                target("text-utf8", "text", new Raw(0xa1, 0xff)),
                target("text-utf8", "key", new Raw(0x81, 0xa1, 0xff, 0xc0)),
                target("text-utf8", "half of a pair of surrogates", new Raw(0x81, 0xa3, 0xed, 0xa0, 0x80, 0xc0)),
                target("text-length", "long text", "x".repeat(5000)),
                target("map-key", "key that is a number", Pairs.of(1, floats(1))),
                target("duplicate-key", "parameters", Pairs.of("y", floats(1), "y", floats(2))),
                file("duplicate-key", "state", f -> f.optimizer.put("state", Pairs.of("step", 1, "step", 2)))));
        for (int code : new int[] {0xc6, 0xc9, 0xdb, 0xdd, 0xdf}) {
            Raw half = new Raw(code, 0x7f, 0xff, 0xff, 0xff, 1, 0);
            Raw most = new Raw(code, 0xff, 0xff, 0xff, 0xff, 1, 0);
            String name = " claimed by " + Integer.toHexString(code);
            rules.add(target("truncated", "2^31-1" + name, half));
            rules.add(target("truncated", "2^32-1" + name, most));
            rules.add(file("truncated", "2^32-1 skipped" + name, f -> f.state.put("x", most)));
        }
        int[] lists = new int[1_000_000];
        Arrays.fill(lists, 0x91);
        Object maps = 1;
        List<Object> keys = new ArrayList<>();
        for (int i = 0; i < 150_000; i++) {
            maps = i < 100 ? Map.of("y", maps) : maps;
            keys.addAll(Arrays.asList("k" + i, null));
        }
        rules.add(target("nesting", "100 maps", maps));
        rules.add(target("nesting", "a million lists", new Raw(lists)));
        rules.add(file("nesting", "a million lists skipped", f -> f.state.put("x", new Raw(lists))));
        rules.add(target("too-many-values", "numbers", Collections.nCopies(300_000, 1)));
        rules.add(target("too-many-values", "keys", new Pairs(keys)));
        return rules;
    }

    static List<Rule> inline() {
        byte[] array = pack(List.of(List.of(), "int8", new byte[1]));
        return List.of(
                target("structure", "number", 1),
                target("structure", "nil", null),
                target("structure", "list", List.of(floats(1))),
                target("structure", "long list", Collections.nCopies(10_000, 1)),
                target("extension", "complex number", new Extension(2, new byte[8])),
                target("extension", "unknown type", new Extension(-1, new byte[4])),
                target("array", "no list", new Extension(1, new byte[] {1})),
                target("array", "two things", new Extension(1, pack(List.of(List.of(), "float32")))),
                target("array", "text for data", new Extension(1, pack(List.of(List.of(), "float32", "abcd")))),
                target("truncated", "empty", new Extension(1, new byte[0])),
                target("truncated", "cut", new Extension(1, Arrays.copyOf(array, array.length - 1))),
                target("trailing-data", "byte behind", new Extension(1, Arrays.copyOf(array, array.length + 1))),
                target("dtype", "complex64", array(List.of(1), "complex64", new byte[8])),
                target("dtype", "byte order", array(List.of(1), ">f4", new byte[4])),
                target("tensor-size", "too little", array(List.of(3), "float32", new byte[8])),
                target("tensor-size", "too much", array(List.of(3), "float32", new byte[16])),
                target("tensor-size", "2^64", array(List.of(1L << 32, 1L << 32), "int8", new byte[0])),
                target("tensor-size", "2^124 * 0", array(List.of(1L << 62, 1L << 62, 0), "int8", new byte[0])),
                target("shape", "negative", array(List.of(-1), "int8", new byte[1])),
                target("shape", "1.0", array(List.of(1.0), "int8", new byte[1])),
                target("shape", "65 sizes", array(Collections.nCopies(65, 1), "int8", new byte[1])),
                target("name", "NUL", Map.of("a\0b", floats(1))),
                target("name", "escape sequence", Map.of("a\u001b[2J", floats(1))),
                target("name", "empty", Map.of("", floats(1))),
                target("name", "long", Map.of("x".repeat(600), Map.of("y".repeat(600), floats(1)))),
                file("duplicate-name", "by two ways", f -> {
                    f.target.put("x.y", floats(1));
                    f.target.put("x", Map.of("y", floats(2)));
                }));
    }

    static List<Rule> references() {
        String array = HEADER.toString();
        List<Rule> rules = new ArrayList<>();
        for (String path : List.of(
                "../outside/",
                "/etc/",
                "target.k/../../outside/",
                "C:\\x/",
                "gs://x/",
                "./target.k/",
                "a//",
                "",
                "a\0b/")) {
            rules.add(field("outside", "t5x-folder", path.replace('\0', '?'), path, "kvstore", "path"));
        }
        rules.addAll(List.of(
                file("outside", "folder", Path.of("target.k"), f -> moveOut(f, "target.k")),
                file("outside", "header", HEADER, f -> moveOut(f, HEADER.toString())),
                file("outside", "chunk", CHUNK, f -> moveOut(f, CHUNK.toString())),
                field("unreadable", "target.z", "not there", "target.z/", "kvstore", "path"),
                field("reference", "checkpoint", "web", "http", "kvstore", "driver"),
                field("reference", "checkpoint", "none", null, "kvstore", "path"),
                field("reference", "checkpoint", "none", null, "kvstore", "driver"),
                field("reference", "checkpoint", "none", null, "kvstore"),
                field("reference", "checkpoint", "none", null, "metadata"),
                field("reference", "checkpoint", "unknown", 1, "field"),
                field("driver", "checkpoint", "n5", "n5", "driver"),
                field("disagreement", array, "other", List.of(3, 2), "metadata", "shape"),
                field("disagreement", array, "other", List.of(2, 2), "metadata", "chunks"),
                field("disagreement", array, "other", "<f2", "metadata", "dtype"),
                field("disagreement", array, "other", Map.of("id", "zlib"), "metadata", "compressor"),
                field("disagreement", array, "unknown", 1, "metadata", "more"),
                field("disagreement", array, "other", "float16", "dtype"),
                field("disagreement", array, "from 1", List.of(1, 0), "transform", "input_inclusive_min"),
                field("disagreement", array, "to 1", List.of(1, 3), "transform", "input_exclusive_max"),
                field("disagreement", array, "more", List.of(), "transform", "output"),
                file("duplicate-path", "one array, two names", f -> f.target.put("x", f.target.get("k"))),
                file("duplicate-path", "by a link", f -> {
                    Files.createSymbolicLink(f.path.resolve("alias"), Path.of("target.k"));
                    f.target.put("x", reference("alias/", "float32", header(List.of(2, 3))));
                })));
        return rules;
    }

    static List<Rule> headers() {
        return List.of(
                zarray("zarr-field", "more", 1),
                zarray("zarr-format", "zarr_format", 3),
                zarray("zarr-filters", "filters", List.of(Map.of("id", "delta"))),
                zarray("compressor", "compressor", Map.of("id", "blosc")),
                zarray("compressor", "compressor", Map.of()),
                zarray("compressor", "compressor", 1),
                zarray("dtype", "dtype", "<c8"),
                zarray("dtype", "dtype", "<u4"),
                zarray("dtype", "dtype", "=f4"),
                zarray("dtype", "dtype", List.of(List.of("a", "<f4"))),
                zarray("zarr-field", "order", "K"),
                zarray("zarr-field", "dimension_separator", "\\"),
                zarray("zarr-field", "shape", 6),
                zarray("shape", "shape", List.of(2, 3.0)),
                zarray("shape", "shape", List.of(2, -3)),
                zarray("shape", "shape", List.of(1L << 32, 1L << 32)),
                zarray("shape", "shape", List.of(0, Long.MAX_VALUE)),
                zarray("shape", "chunks", List.of(6)),
                zarray("shape", "chunks", List.of(0, 3)),
                zarray("shape", "chunks", List.of(1L << 62, 1L << 62)),
                zarray("fill-value", "fill_value", "NaN"),
                zarray("fill-value", "fill_value", "x".repeat(5000)),
                text("zarr-json", "2^64", "{\"zarr_format\":2,\"shape\":[18446744073709551616]}"),
                text("zarr-field", "no compressor", "{\"zarr_format\":2,\"shape\":[],\"chunks\":[],\"dtype\":\"<f4\"}"),
                text("zarr-json", "cut", "{"),
                text("zarr-json", "empty", ""),
                text("zarr-json", "list", "[]"),
                text("zarr-json", "null", "null"),
                text("zarr-json", "twice", "{\"order\":\"C\",\"order\":\"C\"}"),
                text("zarr-json", "deep", "{\"a\":" + "[".repeat(60_000)),
                text("zarr-json", "no UTF-8", new byte[] {'{', '"', -1, '"', ':', '1', '}'}),
                text("zarr-field", "long name", "{\"" + "x".repeat(40_000) + "\":2}"),
                text("too-large", "long", "{\"zarr_format\":" + " ".repeat(1 << 16) + "2}"),
                file("not-a-file", "folder", HEADER, f -> folderFor(f, HEADER)),
                file("unreadable", "missing", HEADER, f -> Files.delete(f.path.resolve(HEADER))));
    }

    static List<Rule> chunks() throws IOException {
        byte[] gzip = compress("gzip", NUMBERS);
        byte[] zlib = compress("zlib", little(5, 6, 7, 8));
        Path second = Path.of("target.m/1.0");
        Path plain = Path.of("target.u/0");
        byte[] noise = new byte[1 << 20];
        new Random(7).nextBytes(noise);
        byte[] noiseGzip = compress("gzip", noise);
        List<Long> gigabyte = List.of(1L << 14, 1L << 14);
        return List.of(
                file("missing-chunk", "the only", CHUNK, f -> Files.delete(f.path.resolve(CHUNK))),
                file("missing-chunk", "the second", second, f -> Files.delete(f.path.resolve(second))),
                file("not-a-file", "folder", CHUNK, f -> folderFor(f, CHUNK)),
                shape("chunk-size", "beyond deflate", CHUNK, null, List.of(500_000, 1000), List.of(500_000, 1000)),
                shape("chunk-size", "2^62", CHUNK, null, List.of(1L << 30, 1L << 30), List.of(1L << 30, 1L << 30)),
                shape("fill-size", "many", HEADER, 0, List.of(1 << 20, 1 << 20), List.of(1024, 1024)),
                shape("fill-size", "one", HEADER, 0, List.of(1L << 30, 1L << 30), List.of(1L << 30, 1L << 30)),
                shape("fill-size", "of 4 bytes", HEADER, 0, List.of(1 << 28, 1), List.of(1, 1)),
                chunk("length", "less", compress("gzip", little(1, 2))),
                chunk("length", "more", compress("gzip", little(1, 2, 3, 4, 5, 6, 7))),
                chunk("length", "bomb", compress("gzip", new byte[50_000_000])),
                // Enough bytes that they could inflate to that, but they do not.
                file("length", "a gigabyte claimed", CHUNK, f -> {
                    f.zarr("k", "float32", header(gigabyte), Map.of());
                    Files.write(f.path.resolve(CHUNK), noiseGzip);
                }),
                chunk("trailing-data", "second member", concat(gzip, gzip)),
                chunk("trailing-data", "one byte", concat(gzip, (byte) 0)),
                chunk("too-large", "many bytes", concat(gzip, new byte[1 << 17])),
                chunk("checksum", "other checksum", damaged(gzip, gzip.length - 5)),
                chunk("checksum", "other length", damaged(gzip, gzip.length - 1)),
                chunk("gzip-header", "other magic", damaged(gzip, 0)),
                chunk("gzip-header", "reserved flags", gzipWith(0x80)),
                chunk("truncated", "in the header", Arrays.copyOf(gzip, 5)),
                chunk("truncated", "in the name", Arrays.copyOf(gzipWith(8, (byte) 65, (byte) 65), 12)),
                chunk("truncated", "in the extra field", Arrays.copyOf(gzipWith(4, (byte) 65), 11)),
                chunk("truncated", "extra field of 64k", gzipWith(4, (byte) -1, (byte) -1)),
                chunk("truncated", "in the data", Arrays.copyOf(gzip, gzip.length - 12)),
                chunk("truncated", "in the checksum", Arrays.copyOf(gzip, gzip.length - 3)),
                file("trailing-data", "zlib", second, f -> Files.write(f.path.resolve(second), concat(zlib, (byte) 0))),
                file(
                        "compressed-data",
                        "zlib checksum",
                        second,
                        f -> Files.write(f.path.resolve(second), damaged(zlib, zlib.length - 1))),
                file(
                        "compressed-data",
                        "zlib dictionary",
                        second,
                        f -> Files.write(f.path.resolve(second), new byte[] {0x78, (byte) 0xbb, 0, 0, 0, 1, 3, 0})),
                file("chunk-size", "too short", plain, f -> Files.write(f.path.resolve(plain), new byte[7])),
                file("chunk-size", "too long", plain, f -> Files.write(f.path.resolve(plain), new byte[9])));
    }

    @ParameterizedTest
    @MethodSource({"messagePack", "inline", "references", "headers", "chunks"})
    void aBrokenRuleIsNamed(Rule rule) throws IOException {
        T5xFolder folder = folder();
        rule.change.apply(folder);
        CheckpointException e = refused(folder.write());
        assertEquals(rule.rule, e.rule(), e.getMessage());
        assertTrue(e.file().startsWith(folder.path.toString()), e.getMessage());
        assertTrue(e.file().endsWith(rule.file), e.getMessage());
        assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), e.getMessage());
        assertTrue(e.getMessage().length() < 600, e.getMessage());
    }

    @Test
    void thePlaceIsNamed() throws IOException {
        T5xFolder folder = folder();
        byte[] bytes = Files.readAllBytes(folder.write().resolve("checkpoint"));
        Files.write(folder.file(), concat(bytes, (byte) 0));
        CheckpointException e = refused(folder.path);
        assertEquals("trailing-data", e.rule());
        assertEquals(bytes.length, e.offset());

        Files.write(folder.file(), bytes);
        byte[] gzip = compress("gzip", NUMBERS);
        Files.write(folder.path.resolve(CHUNK), concat(gzip, (byte) 0));
        e = refused(folder.path);
        assertEquals(gzip.length, e.offset());
    }

    @Test
    void theFileMayBeNoLinkOutOfTheFolder() throws IOException {
        T5xFolder folder = folder();
        folder.write();
        moveOut(folder, "checkpoint");
        assertEquals("outside", refused(folder.path).rule());
    }

    private T5xFolder folder() throws IOException {
        return T5xFolder.oneOfEachKind(temporary.resolve("t5x-folder"));
    }

    private CheckpointException refused(Path path) {
        return assertThrows(CheckpointException.class, () -> {
            try (Checkpoint checkpoint = format.open(path)) {
                checkpoint.tensors().keySet().forEach(checkpoint::floats);
                checkpoint.sha256();
            }
        });
    }

    /** A part of the reference of array k. */
    @SuppressWarnings("unchecked")
    private static Map<String, Object> at(T5xFolder folder, String... keys) {
        Map<String, Object> map = (Map<String, Object>) folder.target.get("k");
        for (String key : keys) {
            map = (Map<String, Object>) map.get(key);
        }
        return map;
    }

    /** Moves a file or folder out of the checkpoint and leaves a link to it. */
    private static void moveOut(T5xFolder folder, String path) throws IOException {
        Path inside = folder.path.resolve(path);
        Path outside = folder.path.resolveSibling("outside");
        Files.move(inside, outside);
        Files.createSymbolicLink(inside, outside);
    }

    private static void folderFor(T5xFolder folder, Path file) throws IOException {
        Files.delete(folder.path.resolve(file));
        Files.createDirectory(folder.path.resolve(file));
    }

    private static byte[] damaged(byte[] bytes, int at) {
        byte[] copy = bytes.clone();
        copy[at] ^= 1;
        return copy;
    }
}

package org.luthier.checkpoint;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;

/**
 * An array in a folder of its own, as version 2 of zarr stores it: {@code .zarray} tells of shape, chunks and type, each chunk is a file
 * named by its place in the grid. Chunks at the edge are stored at full size.
 *
 * <p>Readable are chunks that are gzip or zlib data or not compressed. A missing chunk stands for the fill value; without one it is an
 * error.
 */
final class ZarrArray {
    private static final ObjectReader JSON = Json.mapper()
            .readerFor(new TypeReference<Map<String, Object>>() {})
            .with(DeserializationFeature.USE_LONG_FOR_INTS);

    private static final String HEADER = "/.zarray";
    private static final long MAX_HEADER = 1 << 16;
    private static final int MAX_CHUNKS = 1 << 18;
    private static final long MAX_FILLED = 1 << 28;
    private static final Set<String> FIELDS = Set.of(
            "zarr_format",
            "shape",
            "chunks",
            "dtype",
            "compressor",
            "fill_value",
            "order",
            "filters",
            "dimension_separator");

    /** What the arrays of one checkpoint may have together: chunks, and bytes that missing ones stand for. */
    static final class Budget {
        private int chunks = MAX_CHUNKS;
        private long filled = MAX_FILLED;
    }

    private final CheckpointFolder folder;
    private final String path;
    private final Map<String, Object> header;
    private final List<Long> shape;
    private final List<Long> chunks;
    private final NumpyType type;
    private final String compressor;
    private final boolean fortranOrder;
    private final String separator;
    private final byte[] fill;
    private final long bytes;
    private final long chunkBytes;

    /** How many chunks there should be along each dimension. */
    private final long[] grid;

    /** The places of the chunks that are there. */
    private final List<long[]> present = new ArrayList<>();

    /**
     * Reads what {@code .zarray} says.
     *
     * @param path of the array's folder
     */
    ZarrArray(CheckpointFolder folder, String path) {
        this.folder = folder;
        this.path = path;
        folder.add(path + HEADER);
        header = parse(folder.read(path + HEADER, MAX_HEADER));
        for (String field : header.keySet()) {
            if (!FIELDS.contains(field)) {
                throw broken("zarr-field", "an unknown field '" + Names.brief(field) + "'");
            }
        }
        if (!Long.valueOf(2).equals(header.get("zarr_format"))) {
            throw broken("zarr-format", "format " + Names.brief(header.get("zarr_format")) + " of zarr, readable is 2");
        }
        if (header.get("filters") != null) {
            throw broken(
                    "zarr-filters", "filters " + Names.brief(header.get("filters")) + ", readable are arrays without");
        }
        shape = sizes("shape", 0);
        chunks = sizes("chunks", 1);
        if (shape.size() > Shapes.MAX_RANK || chunks.size() != shape.size()) {
            throw broken(
                    "shape",
                    "a shape of " + shape.size() + " sizes and chunks of " + chunks.size()
                            + ", expected as many in both and at most " + Shapes.MAX_RANK);
        }
        type = type();
        compressor = compressor();
        fortranOrder = oneOf("order", "C", "F").equals("F");
        separator = header.containsKey("dimension_separator") ? oneOf("dimension_separator", ".", "/") : ".";
        fill = fill();
        bytes = Shapes.bytes(shape, type.dtype());
        chunkBytes = Shapes.bytes(chunks, type.dtype());
        if (bytes < 0 || chunkBytes < 0) {
            throw broken("shape", "shape " + shape + " in chunks of " + chunks + " needs more than 2^63 bytes");
        }
        grid = new long[shape.size()];
        for (int i = 0; i < grid.length; i++) {
            grid[i] = (shape.get(i) - 1) / chunks.get(i) + 1;
        }
    }

    DType dtype() {
        return type.dtype();
    }

    List<Long> shape() {
        return shape;
    }

    /** What is wrong with what another file says of this array, or null if nothing is. */
    String disagreement(Map<?, ?> metadata) {
        for (Map.Entry<?, ?> said : metadata.entrySet()) {
            if (!FIELDS.contains(said.getKey())) {
                return "an unknown field '" + Names.brief(said.getKey()) + "'";
            }
            Object here = header.get(said.getKey());
            boolean same = said.getKey().equals("compressor")
                    ? Objects.equals(id(said.getValue()), id(here))
                    : Objects.equals(said.getValue(), here);
            if (!same) {
                return said.getKey() + " " + Names.brief(said.getValue()) + ", .zarray says " + Names.brief(here);
            }
        }
        return null;
    }

    /**
     * Counts the chunks as files of the checkpoint, and checks that they are there and long enough for what they should hold. However
     * many chunks the shape claims, this takes as long as there are files.
     */
    void checkChunks(Budget budget) {
        if (bytes > 0) {
            find(path, new long[grid.length], 0, budget);
        }
        Set<String> names = present.stream().map(this::name).collect(Collectors.toSet());
        long missing = bytes == 0 ? 0 : count() - present.size();
        if (missing > 0 && fill == null) {
            Cells cells = new Cells();
            while (cells.next() && names.contains(name(cells.index))) {
                // The first one that is not there is told.
            }
            throw missing(path + "/" + name(cells.index));
        }
        long each = Math.min(bytes, chunkBytes);
        if (missing > 0 && missing > budget.filled / each) {
            throw broken("fill-size", "missing chunks stand for more than " + MAX_FILLED + " bytes");
        }
        budget.filled -= missing * each;
        for (long[] cell : present) {
            String chunk = path + "/" + name(cell);
            folder.add(chunk);
            checkSize(chunk);
        }
    }

    /** How many chunks there should be, or the largest number if that is no number. */
    private long count() {
        long count = 1;
        for (long size : grid) {
            count = count > Long.MAX_VALUE / size ? Long.MAX_VALUE : count * size;
        }
        return count;
    }

    /**
     * Finds the chunks among the files of a folder.
     *
     * @param index of the chunks there, as far as the folder's path tells it
     */
    private void find(String in, long[] index, int known, Budget budget) {
        boolean nested = separator.equals("/") && known < grid.length - 1;
        int told = nested ? 1 : grid.length - known;
        folder.real(in);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder.resolve(in))) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                long[] inner = index.clone();
                if (!parse(name, inner, known, told)) {
                    continue;
                }
                if (nested) {
                    if (Files.isDirectory(file)) {
                        find(in + "/" + name, inner, known + 1, budget);
                    }
                } else if (--budget.chunks < 0) {
                    throw broken("too-many-chunks", "the checkpoint's arrays have more than " + MAX_CHUNKS + " chunks");
                } else {
                    present.add(inner);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw folder.broken(in, -1, "unreadable", "the folder cannot be listed");
        }
    }

    /** Reads so many numbers of an index; false if the name is of no chunk. */
    private boolean parse(String name, long[] index, int known, int told) {
        String[] numbers = name.split("\\.", -1);
        if (grid.length == 0) {
            return name.equals("0");
        }
        if (numbers.length != told) {
            return false;
        }
        for (int i = 0; i < told; i++) {
            if (!numbers[i].matches("0|[1-9]\\d{0,17}")) {
                return false;
            }
            index[known + i] = Long.parseLong(numbers[i]);
            if (index[known + i] >= grid[known + i]) {
                return false;
            }
        }
        return true;
    }

    /** The name of a chunk's file. */
    private String name(long[] index) {
        return index.length == 0
                ? "0"
                : LongStream.of(index).mapToObj(Long::toString).collect(Collectors.joining(separator));
    }

    private void checkSize(String chunk) {
        try (FileBytes file = folder.open(chunk)) {
            boolean possible =
                    compressor == null ? file.size() == chunkBytes : chunkBytes <= Compressed.mostInflated(file.size());
            if (!possible) {
                throw file.broken(
                        -1,
                        "chunk-size",
                        "it has " + file.size() + " bytes, a chunk of " + chunks + " and type " + type.dtype() + " has "
                                + chunkBytes + (compressor == null ? "" : " before " + compressor));
            }
        }
    }

    /** All elements, little-endian and row-major. */
    ByteBuffer read() {
        if (chunks.equals(shape) && present.size() == 1) {
            return chunk(name(present.get(0)));
        }
        ByteBuffer whole = allocate();
        for (long[] cell : present) {
            copy(chunk(name(cell)), cell, whole);
        }
        return whole;
    }

    /** An array of the fill value. */
    private ByteBuffer allocate() {
        if (bytes > FileBytes.MAX_ARRAY) {
            throw broken(
                    "too-large", "shape " + shape + " has " + bytes + " bytes, a buffer holds " + FileBytes.MAX_ARRAY);
        }
        byte[] whole = new byte[(int) bytes];
        if (fill != null) {
            for (int at = 0; at < whole.length; at += fill.length) {
                System.arraycopy(fill, 0, whole, at, fill.length);
            }
        }
        return ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A chunk, row-major. */
    private ByteBuffer chunk(String name) {
        String file = path + "/" + name;
        if (chunkBytes > FileBytes.MAX_ARRAY) {
            throw broken(
                    "too-large",
                    "chunks " + chunks + " have " + chunkBytes + " bytes, a buffer holds " + FileBytes.MAX_ARRAY);
        }
        int length = (int) chunkBytes;
        ByteBuffer stored = folder.read(file, compressor == null ? length : Compressed.longest(length));
        try {
            ByteBuffer elements = stored;
            if (compressor != null) {
                elements = compressor.equals("gzip")
                        ? Compressed.gunzip(stored, length)
                        : Compressed.inflate(stored, length);
            } else if (stored.remaining() != length) {
                throw new Compressed.Damaged(stored.remaining(), "truncated", "expected " + length + " bytes");
            }
            return type.rowMajor(elements, fortranOrder, chunks);
        } catch (Compressed.Damaged e) {
            throw folder.broken(file, e.offset, e.rule, e.getMessage());
        }
    }

    /** Copies what of a chunk lies inside the array, run by run of the last dimension. */
    private void copy(ByteBuffer chunk, long[] cell, ByteBuffer whole) {
        int width = type.dtype().bytes();
        int rank = shape.size();
        if (rank == 0) {
            whole.put(0, chunk, 0, width);
            return;
        }
        long[] inside = new long[rank];
        long[] strides = Shapes.strides(shape);
        long[] chunkStrides = Shapes.strides(chunks);
        long to = 0;
        for (int i = 0; i < rank; i++) {
            long begin = cell[i] * chunks.get(i);
            inside[i] = Math.min(chunks.get(i), shape.get(i) - begin);
            to += begin * strides[i];
        }
        long from = 0;
        long[] at = new long[rank];
        int run = Math.toIntExact(inside[rank - 1] * width);
        while (true) {
            whole.put(Math.toIntExact(to * width), chunk, Math.toIntExact(from * width), run);
            int i = rank - 2;
            while (i >= 0 && ++at[i] == inside[i]) {
                to -= (inside[i] - 1) * strides[i];
                from -= (inside[i] - 1) * chunkStrides[i];
                at[i--] = 0;
            }
            if (i < 0) {
                return;
            }
            to += strides[i];
            from += chunkStrides[i];
        }
    }

    /** Walks the grid of chunks, the last dimension fastest. */
    private final class Cells {
        private final long[] index = new long[grid.length];
        private boolean begun;

        boolean next() {
            if (!begun) {
                begun = true;
                return true;
            }
            for (int i = grid.length - 1; i >= 0; i--) {
                if (++index[i] < grid[i]) {
                    return true;
                }
                index[i] = 0;
            }
            return false;
        }
    }

    private Map<String, Object> parse(ByteBuffer text) {
        try {
            Map<String, Object> fields = JSON.readValue(Json.reader(new ByteArrayInputStream(text.array())));
            if (fields == null) {
                throw broken("zarr-json", "expected an object, found null");
            }
            return fields;
        } catch (JacksonException e) {
            throw new CheckpointException(
                    folder.resolve(path + HEADER).toString(),
                    e.getLocation() == null ? -1 : e.getLocation().getCharOffset(),
                    "zarr-json",
                    "no valid JSON: " + Json.reason(e),
                    e);
        } catch (IOException e) {
            throw broken("zarr-json", "not UTF-8");
        }
    }

    private List<Long> sizes(String field, long least) {
        if (!(header.get(field) instanceof List<?> list)) {
            throw broken("zarr-field", "expected a list '" + field + "', found " + Names.brief(header.get(field)));
        }
        List<Long> sizes = new ArrayList<>();
        for (Object size : list) {
            if (!(size instanceof Long number) || number < least) {
                throw broken(
                        "shape",
                        field + " must hold whole numbers from " + least + " to 2^63-1, found " + Names.brief(size));
            }
            sizes.add(number);
        }
        return List.copyOf(sizes);
    }

    private NumpyType type() {
        Object descr = header.get("dtype");
        // TensorStore's name for a type that numpy has not.
        NumpyType found = "bfloat16".equals(descr)
                ? new NumpyType(DType.BF16, false)
                : descr instanceof String text ? NumpyType.of(text) : null;
        if (found == null) {
            throw broken(
                    "dtype", "element type '" + Names.brief(descr) + "', readable are bfloat16, " + NumpyType.READABLE);
        }
        return found;
    }

    private String compressor() {
        if (!header.containsKey("compressor")) {
            throw broken("zarr-field", "the field 'compressor' is missing");
        }
        Object id = id(header.get("compressor"));
        if (id != null && !id.equals("gzip") && !id.equals("zlib")) {
            throw broken("compressor", "compressed with '" + Names.brief(id) + "', readable are gzip, zlib and none");
        }
        return (String) id;
    }

    /** The name of a compressor, or null for none. */
    private static Object id(Object compressor) {
        return compressor instanceof Map<?, ?> map ? Objects.requireNonNullElse(map.get("id"), map) : compressor;
    }

    private String oneOf(String field, String one, String other) {
        Object value = header.get(field);
        if (!one.equals(value) && !other.equals(value)) {
            throw broken("zarr-field", field + " '" + Names.brief(value) + "', expected " + one + " or " + other);
        }
        return (String) value;
    }

    /** The bytes of the fill value, little-endian, or null if there is none. */
    private byte[] fill() {
        Object value = header.get("fill_value");
        if (value == null) {
            return null;
        }
        int width = type.dtype().bytes();
        ByteBuffer element = ByteBuffer.allocate(width).order(ByteOrder.LITTLE_ENDIAN);
        boolean zero = value instanceof Number number && Double.doubleToRawLongBits(number.doubleValue()) == 0
                || Boolean.FALSE.equals(value) && type.dtype() == DType.BOOL;
        if (value instanceof Number number && type.dtype() == DType.F64) {
            element.putDouble(number.doubleValue());
        } else if (value instanceof Number number && type.dtype() == DType.F32) {
            element.putFloat(number.floatValue());
        } else if (!zero) {
            throw broken(
                    "fill-value",
                    "fill value " + Names.brief(value) + " of type " + type.dtype()
                            + ", readable are 0 and, of f4 and f8, numbers");
        }
        return element.array();
    }

    private CheckpointException missing(String chunk) {
        return folder.broken(chunk, -1, "missing-chunk", "there is no such file, and no fill value stands for it");
    }

    private CheckpointException broken(String rule, String detail) {
        return folder.broken(path + HEADER, -1, rule, detail);
    }
}

package org.luthier.api.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class CheckpointExceptionTest {
    @Test
    void saysFileOffsetAndRuleInOneLine() {
        assertEquals(
                "a.safetensors at byte 8: expected '{', got 'x' [header-start]",
                new CheckpointException("a.safetensors", 8, "header-start", "expected '{', got 'x'").getMessage());
        assertEquals(
                "a.safetensors: no tensor 'w' [missing]",
                new CheckpointException("a.safetensors", -1, "missing", "no tensor 'w'").getMessage());
    }

    @Test
    void elementsAreCountedWithoutOverflow() {
        assertEquals(1, new TensorInfo("scalar", List.of(), DType.F32).elements());
        assertEquals(0, new TensorInfo("none", List.of(5L, 0L), DType.F32).elements());
        assertThrows(
                ArithmeticException.class,
                () -> new TensorInfo("huge", List.of(1L << 40, 1L << 40), DType.F32).elements());
    }
}

/* Pruning in C: what interpreted.py says in NumPy, bit for bit, at a fraction of its cost.

   Everything is copied first, and the copies are checked: what other threads do to the arrays
   meanwhile does no harm. The work itself touches these copies only, calls nothing of Python and
   runs without the interpreter's lock.

   Each sum, product and quotient of interpreted.py is rounded by itself, so here, too: no
   multiplication is fused with an addition (-ffp-contract=off), no intermediate is wider than a
   double, and sums are taken in the same order.

   Only Python's stable ABI is used: one build serves CPython 3.11 and all that follow. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0 || defined(__FAST_MATH__)
#error "each operation must round to a double, as NumPy's do; interpreted.py is used elsewhere"
#endif

#define CONTRACT 1       /* what Python expects here: pruning/__init__.py has the same number */
#define NARROWEST 1e-300 /* as in ink.py */
#define DIGIT 11         /* bits that the costs are sorted by at once */

/* A point in a picture, in pixels. */
typedef struct {
    double u, v;
    Py_ssize_t column;
} Point;

/* A column of a picture. */
typedef struct {
    double low, high;   /* the ends of the full line's ink */
    double edge;        /* the reduced line's height where the column begins */
    double bottom, top; /* the ends of its ink */
    double error;       /* how far these are from the full line's, both together */
    Py_ssize_t left;    /* the last point that is not behind the edge */
} Column;

/* The greatest and least height in a point's own column. */
typedef struct {
    double high_before, low_before; /* of the points up to it */
    double high_behind, low_behind; /* of those from it on */
} Extremes;

/* A picture, and the points that are still kept. */
typedef struct {
    Point *points;
    Column *columns; /* and one more, for its edge */
    Py_ssize_t width;
    double weight;
} View;

/* What is at work: all pictures of a line, and what each round needs. */
typedef struct {
    View *views;
    Py_ssize_t views_count;
    Py_ssize_t count;   /* of the points that are still kept */
    int64_t *kept;      /* which they are */
    char *pinned;       /* which of them must stay */
    Py_ssize_t most;
    double height, apart, narrow, unseen, at_once, at_first, far;
    Extremes *extremes; /* in the view at hand */
    double *cost;       /* of dropping each point but the first and the last */
    uint64_t *keys, *candidates; /* the costs as numbers that sort alike */
    char *dropped;
} Pruning;

static double
greater(double a, double b)
{
    return a > b ? a : b;
}

static double
lesser(double a, double b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------- what a point is worth */

/* The height of the reduced line at each column's edge. */
static void
cross(const View *on, Py_ssize_t count)
{
    const Point *points = on->points;
    Column *columns = on->columns;
    Py_ssize_t left = 0;
    for (Py_ssize_t edge = 0; edge <= on->width; edge++) {
        columns[edge].left = 0;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        Py_ssize_t edge = points[at].column; /* the first that is not before the point */
        edge += (double)edge < points[at].u;
        columns[edge].left = at;
    }
    for (Py_ssize_t edge = 0; edge <= on->width; edge++) {
        left = columns[edge].left > left ? columns[edge].left : left;
        Point from = points[left], to = points[left + 1 < count ? left + 1 : left];
        double slope = (to.v - from.v) / greater(to.u - from.u, NARROWEST);
        columns[edge].edge = slope * ((double)edge - from.u) + from.v;
    }
}

/* Draw the reduced line, and tell each column's error. */
static void
draw(const View *on, Py_ssize_t count)
{
    cross(on, count);
    for (Column *column = on->columns; column < on->columns + on->width; column++) {
        column->bottom = lesser(column[0].edge, column[1].edge);
        column->top = greater(column[0].edge, column[1].edge);
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        Column *column = &on->columns[on->points[at].column];
        column->bottom = lesser(column->bottom, on->points[at].v);
        column->top = greater(column->top, on->points[at].v);
    }
    for (Column *column = on->columns; column < on->columns + on->width; column++) {
        column->error = fabs(column->bottom - column->low) + fabs(column->top - column->high);
    }
}

/* Find the extremes in each point's own column, before and behind it. What is added keeps the columns
   apart, and is taken away again, which rounds. */
static void
run(const View *on, Py_ssize_t count, double height, Extremes *extremes)
{
    Py_ssize_t end = on->points[count - 1].column;
    double high = -INFINITY, low = -INFINITY, high_back = -INFINITY, low_back = -INFINITY;
    for (Py_ssize_t at = 0; at < count; at++) { /* both ways at once: neither waits for the other */
        Py_ssize_t back = count - 1 - at;
        Point point = on->points[at], mirrored = on->points[back];
        double apart = (double)point.column * height;
        high = greater(high, point.v + apart);
        low = greater(low, apart - point.v);
        extremes[at].high_before = high - apart;
        extremes[at].low_before = apart - low;
        apart = (double)(end - mirrored.column) * height;
        high_back = greater(high_back, mirrored.v + apart);
        low_back = greater(low_back, apart - mirrored.v);
        extremes[back].high_behind = high_back - apart;
        extremes[back].low_behind = apart - low_back;
    }
}

/* The ink that goes wrong in a column that is then filled from bottom to top. */
static double
wrong(const Column *column, double bottom, double top)
{
    return fabs(bottom - column->low) + fabs(top - column->high) - column->error;
}

/* Add what it costs in this picture to drop each of the inner points. */
static void
add_worth(const View *on, Py_ssize_t count, double narrow, const Extremes *extremes, double *cost)
{
    for (Py_ssize_t at = 0; at + 2 < count; at++) {
        Point from = on->points[at], to = on->points[at + 2];
        Extremes before = extremes[at], behind = extremes[at + 2];
        Py_ssize_t first = from.column, last = to.column;
        const Column *begin = &on->columns[first], *end = &on->columns[last];
        double slope = (to.v - from.v) / greater(to.u - from.u, narrow);
        double base = from.v - slope * from.u;
        double left = begin->edge, right = end[1].edge, lost;
        if (first == last) {
            double bottom = lesser(lesser(left, right), lesser(before.low_before, behind.low_behind));
            double top = greater(greater(left, right), greater(before.high_before, behind.high_behind));
            lost = wrong(begin, bottom, top);
        }
        else {
            double leaves = base + slope * (double)first + slope, enters = base + slope * (double)last;
            lost = wrong(begin, lesser(lesser(left, leaves), before.low_before),
                         greater(greater(left, leaves), before.high_before));
            for (Py_ssize_t column = first + 1; column < last; column++) {
                left = base + slope * (double)column;
                leaves = left + slope;
                lost += wrong(&on->columns[column], lesser(left, leaves), greater(left, leaves));
            }
            lost += wrong(end, lesser(lesser(enters, right), behind.low_behind),
                          greater(greater(enters, right), behind.high_behind));
        }
        cost[at] += lost * on->weight;
    }
}

/* ---------------------------------------------------------------- what is dropped */

/* A number that sorts as the double does; no cost is -0. */
static uint64_t
sortable(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits ^ ((0 - (bits >> 63)) | UINT64_C(1) << 63);
}

/* The `rank`-th smallest of the keys, which are lost: digit by digit, those that share its digits so
   far stay. */
static uint64_t
ranked(uint64_t *keys, Py_ssize_t count, Py_ssize_t rank)
{
    for (int shift = 64 - DIGIT; shift > -DIGIT && count > 1; shift -= DIGIT) {
        Py_ssize_t with[1 << DIGIT] = {0}, same = 0;
        uint64_t digit = 0;
        int low = shift > 0 ? shift : 0; /* the last one shares bits with the one before it */
        for (Py_ssize_t at = 0; at < count; at++) {
            with[keys[at] >> low & ((1 << DIGIT) - 1)]++;
        }
        while (rank >= with[digit]) {
            rank -= with[digit++];
        }
        for (Py_ssize_t at = 0; at < count; at++) {
            uint64_t key = keys[at];
            keys[same] = key;
            same += (key >> low & ((1 << DIGIT) - 1)) == digit;
        }
        count = same;
    }
    return keys[0];
}

/* Mark the points that go: what does not show, and `wanted` of those that show least, but no two
   neighbours. Tells how many. */
static Py_ssize_t
choose(Pruning *here, Py_ssize_t wanted)
{
    Py_ssize_t inner = here->count - 2, ties = 0, chosen = 0;
    uint64_t limit = 0, unseen = sortable(here->unseen), endless = sortable(INFINITY);
    for (Py_ssize_t at = 0; at < inner; at++) {
        here->keys[at] = here->pinned[at + 1] ? endless : sortable(here->cost[at]);
    }
    if (wanted > 0) {
        ties = wanted = wanted < inner ? wanted : inner;
        memcpy(here->candidates, here->keys, (size_t)inner * sizeof(uint64_t));
        limit = ranked(here->candidates, inner, wanted - 1);
        for (Py_ssize_t at = 0; at < inner; at++) {
            ties -= here->keys[at] < limit;
        }
    }
    here->dropped[0] = here->dropped[inner + 1] = 0;
    for (Py_ssize_t at = 0; at < inner; at++) {
        uint64_t key = here->keys[at];
        int low = (key <= unseen) | (key < limit) | ((key == limit) & (ties > 0));
        ties -= key == limit;
        here->dropped[at + 1] = (char)(low & (key < endless) & !here->dropped[at]);
        chosen += here->dropped[at + 1];
    }
    return chosen;
}

/* Close the gaps that the dropped points leave. */
static void
drop(Pruning *here)
{
    Py_ssize_t place;
    for (Py_ssize_t each = 0; each < here->views_count; each++) {
        Point *points = here->views[each].points;
        place = 0;
        for (Py_ssize_t at = 0; at < here->count; at++) {
            points[place] = points[at];
            place += !here->dropped[at];
        }
    }
    place = 0;
    for (Py_ssize_t at = 0; at < here->count; at++) {
        here->kept[place] = here->kept[at];
        here->pinned[place] = here->pinned[at];
        place += !here->dropped[at];
    }
    here->count = place;
}

/* Round by round: judge all points, drop some. */
static void
prune(Pruning *here)
{
    while (here->count > 2) {
        double share = (double)here->count < here->far * (double)here->most ? here->at_once
                                                                            : here->at_first;
        Py_ssize_t wanted = here->count - here->most;
        Py_ssize_t part = (Py_ssize_t)(share * (double)here->count);
        part = part > 1 ? part : 1;
        memset(here->cost, 0, (size_t)here->count * sizeof(double));
        for (Py_ssize_t at = 0; at < here->views_count; at++) {
            const View *on = &here->views[at];
            draw(on, here->count);
            run(on, here->count, here->apart, here->extremes);
            add_worth(on, here->count, here->narrow, here->extremes, here->cost);
        }
        if (choose(here, wanted < part ? wanted : part) == 0) {
            break;
        }
        drop(here);
    }
}

/* ------------------------------------------------------------------- arguments */

/* Room for so many; NULL with an exception. */
static void *
room(Py_ssize_t count, size_t size)
{
    void *memory = calloc(count > 0 ? (size_t)count : 1, size);
    if (memory == NULL) {
        PyErr_NoMemory();
    }
    return memory;
}

/* Borrow an array's memory; -1 with an exception if its numbers are not of one of these formats and
   of this size, or not so many, unless `count` is negative. */
static int
borrow(PyObject *array, Py_buffer *buffer, const char *name, const char *formats, size_t size,
       Py_ssize_t count, int flags)
{
    if (PyObject_GetBuffer(array, buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | flags) < 0) {
        return -1;
    }
    const char *format = buffer->format != NULL ? buffer->format : "B";
    if (buffer->ndim != 1 || strlen(format) != 1 || strchr(formats, format[0]) == NULL
        || buffer->itemsize != (Py_ssize_t)size || (count >= 0 && buffer->shape[0] != count)) {
        PyErr_Format(PyExc_ValueError,
                     count < 0 ? "%s must be one-dimensional, of format '%s'"
                               : "%s must be one-dimensional, of format '%s' and length %zd",
                     name, formats, count);
        PyBuffer_Release(buffer);
        return -1;
    }
    return 0;
}

/* A copy of an array, and its length, where it was negative; NULL with an exception. */
static void *
copied(PyObject *array, const char *name, const char *formats, size_t size, Py_ssize_t *count)
{
    Py_buffer buffer;
    if (borrow(array, &buffer, name, formats, size, *count, 0) < 0) {
        return NULL;
    }
    void *memory = room(buffer.shape[0], size);
    if (memory != NULL) {
        memcpy(memory, buffer.buf, (size_t)buffer.shape[0] * size);
        *count = buffer.shape[0];
    }
    PyBuffer_Release(&buffer);
    return memory;
}

/* -1 with an exception unless all numbers are from least to most. */
static int
check_range(const double *numbers, Py_ssize_t count, const char *name, double least, double most)
{
    for (Py_ssize_t at = 0; at < count; at++) {
        if (!(numbers[at] >= least && numbers[at] <= most)) {
            PyObject *bounds = Py_BuildValue("(dd)", least, most);
            if (bounds != NULL) {
                PyErr_Format(PyExc_ValueError, "%s leaves its range %R at %zd", name, bounds, at);
                Py_DECREF(bounds);
            }
            return -1;
        }
    }
    return 0;
}

/* Put the points of a view together, and check them; -1 with an exception. */
static int
take_points(Pruning *here, View *on, const double *u, const double *v)
{
    if (on->width < 1 || check_range(u, here->count, "u", 0.0, (double)on->width) < 0
        || check_range(v, here->count, "v", 0.0, here->height) < 0
        || (on->points = room(here->count, sizeof(Point))) == NULL) {
        if (on->width < 1) {
            PyErr_SetString(PyExc_ValueError, "a view needs a column");
        }
        return -1;
    }
    for (Py_ssize_t at = 0; at < here->count; at++) {
        if (at == 0 ? u[at] > 0.0 : u[at] < u[at - 1]) {
            PyErr_Format(PyExc_ValueError, "u must begin at 0 and never decrease; see %zd", at);
            return -1;
        }
        Py_ssize_t column = (Py_ssize_t)u[at];
        on->points[at] = (Point){u[at], v[at], column < on->width ? column : on->width - 1};
    }
    return 0;
}

/* Put the columns of a view together, and check them; -1 with an exception. */
static int
take_columns(const Pruning *here, View *on, const double *low, const double *high)
{
    if (check_range(low, on->width, "low", -here->height, 2 * here->height) < 0
        || check_range(high, on->width, "high", -here->height, 2 * here->height) < 0
        || (on->columns = room(on->width + 1, sizeof(Column))) == NULL) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < on->width; at++) {
        on->columns[at].low = low[at];
        on->columns[at].high = high[at];
    }
    return 0;
}

/* Copy one view, (u, v, low, high, weight), and check it; -1 with an exception. */
static int
take_view(Pruning *here, View *on, PyObject *given)
{
    PyObject *u, *v, *low, *high;
    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "a view must be a tuple (u, v, low, high, weight)");
        return -1;
    }
    if (!PyArg_ParseTuple(given, "OOOOd:view", &u, &v, &low, &high, &on->weight)
        || check_range(&on->weight, 1, "weight", 0.0, 1.0) < 0) {
        return -1;
    }
    on->width = -1; /* as many as there are */
    double *copies[4] = {NULL};
    int failed = (copies[0] = copied(low, "low", "d", sizeof(double), &on->width)) == NULL
                 || (copies[1] = copied(high, "high", "d", sizeof(double), &on->width)) == NULL
                 || (copies[2] = copied(u, "u", "d", sizeof(double), &here->count)) == NULL
                 || (copies[3] = copied(v, "v", "d", sizeof(double), &here->count)) == NULL
                 || take_columns(here, on, copies[0], copies[1]) < 0
                 || take_points(here, on, copies[2], copies[3]) < 0;
    for (size_t at = 0; at < sizeof(copies) / sizeof(copies[0]); at++) {
        free(copies[at]);
    }
    return failed ? -1 : 0;
}

/* Copy all views, and make room for what pruning needs; -1 with an exception. */
static int
take_views(Pruning *here, PyObject *views)
{
    here->views_count = PyTuple_Size(views);
    if ((here->views = room(here->views_count, sizeof(View))) == NULL) {
        here->views_count = 0;
        return -1;
    }
    for (Py_ssize_t at = 0; at < here->views_count; at++) {
        if (take_view(here, &here->views[at], PyTuple_GetItem(views, at)) < 0) {
            return -1;
        }
    }
    if ((here->extremes = room(here->count, sizeof(Extremes))) == NULL
        || (here->cost = room(here->count, sizeof(double))) == NULL
        || (here->dropped = room(here->count, 1)) == NULL
        || (here->keys = room(here->count, sizeof(uint64_t))) == NULL
        || (here->candidates = room(here->count, sizeof(uint64_t))) == NULL
        || (here->kept = room(here->count, sizeof(int64_t))) == NULL) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < here->count; at++) {
        here->kept[at] = at;
    }
    return 0;
}

static void
give_back(Pruning *here)
{
    for (Py_ssize_t at = 0; at < here->views_count; at++) {
        free(here->views[at].points);
        free(here->views[at].columns);
    }
    void *owned[] = {here->views, here->kept, here->pinned, here->extremes,
                     here->cost,  here->keys, here->candidates, here->dropped};
    for (size_t at = 0; at < sizeof(owned) / sizeof(owned[0]); at++) {
        free(owned[at]);
    }
}

/* -1 with an exception unless all costs stay finite and columns apart with these numbers. */
static int
check_numbers(const Pruning *here)
{
    if (here->most < 0) {
        PyErr_SetString(PyExc_ValueError, "n must be 0 or more");
        return -1;
    }
    return check_range(&here->height, 1, "height", 0.0, 1e6) < 0
                   || check_range(&here->apart, 1, "apart", 2 * here->height, 1e9) < 0
                   || check_range(&here->narrow, 1, "narrow", 1e-12, 1.0) < 0
                   || check_range(&here->unseen, 1, "unseen", 0.0, DBL_MAX) < 0
                   || check_range(&here->at_once, 1, "at once", 0.0, 1.0) < 0
                   || check_range(&here->at_first, 1, "at first", 0.0, 1.0) < 0
                   || check_range(&here->far, 1, "far", 0.0, 1e9) < 0
               ? -1
               : 0;
}

static PyObject *
pruned(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *views, *pinned, *kept;
    Py_buffer result = {0};
    Pruning here = {.count = -1};
    if (!PyArg_ParseTuple(args, "O!On(ddddddd)O:prune", &PyTuple_Type, &views, &pinned, &here.most,
                          &here.height, &here.apart, &here.narrow, &here.unseen, &here.at_once,
                          &here.at_first, &here.far, &kept)
        || check_numbers(&here) < 0
        || (here.pinned = copied(pinned, "pinned", "?", 1, &here.count)) == NULL
        || borrow(kept, &result, "kept", "lq", sizeof(int64_t), here.count, PyBUF_WRITABLE) < 0) {
        give_back(&here);
        return NULL;
    }
    PyObject *count = NULL;
    if (take_views(&here, views) == 0) {
        Py_BEGIN_ALLOW_THREADS
        prune(&here);
        Py_END_ALLOW_THREADS
        memcpy(result.buf, here.kept, (size_t)here.count * sizeof(int64_t));
        count = PyLong_FromSsize_t(here.count);
    }
    PyBuffer_Release(&result);
    give_back(&here);
    return count;
}

/* -------------------------------------------------------------------- the module */

static PyMethodDef module_methods[] = {
    {"prune", pruned, METH_VARARGS,
     "prune(views, pinned, n, (height, apart, narrow, unseen, at_once, at_first, far), kept)"
     " -> count"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "compiled",
    .m_doc = "Pruning in C.",
    .m_size = 0,
    .m_methods = module_methods,
};

PyMODINIT_FUNC
PyInit_compiled(void)
{
    PyObject *module = PyModule_Create(&module_def);
    if (module != NULL && PyModule_AddIntConstant(module, "CONTRACT", CONTRACT) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}

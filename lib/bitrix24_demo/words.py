"""The names, titles and sentences of the invented company, hostile ones included."""

from .company import Currency, Stage

SALES = (
    Stage("NEW", "Cold base"),
    Stage("UC_WORK01", "Taken into work"),
    Stage("PREPARATION", "Process the request"),
    Stage("UC_SAMPLE", "Samples sent"),
    Stage("PREPAYMENT_INVOICE", "Invoice / contract"),
    Stage("FINAL_INVOICE", "Awaiting payment"),
    Stage("WON", "Paid", "S"),
    Stage("LOSE", "Too expensive", "F"),
    Stage("APOLOGY", "Went to a competitor", "F"),
    Stage("UC_LATER", "Not needed now", "F"),
    Stage("1", "No answer", "F"),
    Stage("UC_ALIEN", "Not our customer", "F"),
)
TENDERS = (
    Stage("NEW", "Новый тендер"),
    Stage("PREPARATION", "Подготовка документов"),
    Stage("EXECUTING", "Заявка подана"),
    Stage("FINAL_INVOICE", "Договор на подписании"),
    Stage("WON", "Тендер выигран", "S"),
    Stage("LOSE", "Проиграли по цене", "F"),
    Stage("UC_CANCEL", "Тендер отменён", "F"),
)

SOURCES = {
    "CALL": "Incoming call",
    "WEB": "Сайт «Очаг & Камень»",
    "WEBFORM": "Web form",
    "EMAIL": "E-mail",
    "ADVERTISING": "Advertising",
    "PARTNER": "Partner",
    "RECOMMENDATION": "Рекомендация",
    "TRADE_SHOW": "Trade show",
    "UC_MRAMOR": "База партнёра «Мрамор-Юг»",
    "UC_COLD": "Cold base",
}

CURRENCIES = (
    Currency("RUB", 1.0, is_base=True, name="Российский рубль"),
    Currency("USD", 91.5, name="Доллар США"),
    Currency("EUR", 98.75, name="Евро"),
    Currency("BYN", 27.9, name="Белорусский рубль"),
    Currency("CNY", 126.4, count=10, name="Китайский юань"),
)
# Deals carry it, the currency list has no rate for it.
UNPRICED = "KZT"

# The head first; then department and name of each manager.
DEPARTMENTS = ("Очаг и Камень", "Sales", "Moscow", "Регионы", "Тендерный отдел", "Partners")
HEAD = ("Виктор", "Орлов", "Commercial director")
MANAGERS = (
    ("Moscow", "Анна", "Соколова"), ("Moscow", "Дмитрий", "Кузнецов"), ("Moscow", "Ольга", "Лебедева"),
    ("Moscow", "Artur", "Nazarov"), ("Регионы", "Марина", "Волкова"), ("Регионы", "Сергей", "Морозов"),
    ("Регионы", "Ирина", "Павлова"), ("Регионы", "Тимур", "Ахметов"), ("Partners", "Елена", "Белова"),
    ("Partners", "Conor", "O'Brien"), ("Тендерный отдел", "Павел", "Зайцев"), ("Moscow", "Наталья", "Фролова"),
    ("Регионы", "Игорь", "Демидов"), ("Partners", "Zoë", "Müller"), ("Moscow", "Алексей", "Гусев"),
    ("Регионы", "Светлана", "Тихонова"), ("Partners", "Роман", "Щербаков"), ("Moscow", "Юлия", "Ёлкина"),
    ("Регионы", "Георгий", "Цой"), ("Тендерный отдел", "Вера", "Крылова"),
)  # fmt: skip

FIRST_NAMES = (
    "Александр", "Мария", "Николай", "Татьяна", "Андрей", "Екатерина", "Михаил", "Юрий", "Лариса", "Олег", "Ксения",
    "Jan", "Laura", "Mehmet", "Paul",
)  # fmt: skip
LAST_NAMES = (
    "Иваненко", "Киселёв", "Мельник", "Громов", "Захарова", "Романов", "Полякова", "Шестаков", "Ершова", "Блинов",
    "Novak", "Schmidt", "Yılmaz", "Bianchi",
)  # fmt: skip
COMPANY_FORMS = ("ООО «{}»", "ООО «{}»", "АО «{}»", "ИП {}", "{} Ltd", "{} GmbH", "СК «{}»")
COMPANY_WORDS = (
    "Альфа", "Базальт", "Вертикаль", "Гранит", "Дом", "Загород", "Изба", "Каскад", "Лофт", "Монолит", "Север", "Оникс",
    "Прайм", "Ренова", "Стройка", "Терра", "Уют", "Фасад", "Холл", "Эко", "Nord", "Villa", "Stone", "Hearth", "Loft",
)  # fmt: skip
COMPANY_ENDINGS = (
    "Строй", "Групп", "Сервис", "Проект", "Дизайн", "Девелопмент", "Трейд", "Инвест", "Плюс", "Мастер", "House",
    "Design",
)  # fmt: skip
CITIES = (
    "Москва", "Тверь", "Казань", "Пермь", "Сочи", "Самара", "Минск", "Алматы", "Санкт-Петербург", "Riga",
)  # fmt: skip
PRODUCTS = (
    "Камин «Вега»", "Облицовка фасада сланцем", "Fireplace insert, {n} pcs", "Порталы из мрамора, {n} шт.",
    "Травертин, {n} м²", "Печь-камин для базы отдыха", "Stone cladding, {n} m²", "Дымоход и монтаж",
    "Биокамины, {n} шт.", "Столешницы из кварцита", "Ступени, {n} шт.", "Hotel lobby fireplace",
)  # fmt: skip

HOSTILE_TITLES = (
    "<script>alert('deal')</script>",
    "\"><img src=x onerror=alert(1)>",
    "=HYPERLINK(\"http://127.0.0.1/\",\"Invoice\")",
    "{{7*7}} ${7*7} {% raw %}",
    "</script></title><b>Камин</b>",
    "‮нимак‬ (RTL: שלום)",
    "🔥🪨 Камин 👩‍👩‍👧 для семьи",
    "Очень длинное название: " + "облицовка камнем, монтаж, доставка; " * 6,
    "+7 (900) 000-00-00",
    "-1+1|cmd",
    "@SUM(1;1)",
    "Скидка 50%_\\ 'или' \"и\" `так`",
    "\tTab, newline\nand\u00a0nbsp",
    "[url=javascript:alert(1)]BB[/url]",
    "NULL",
    "0",
)  # fmt: skip
HOSTILE_COMPANY = 'ООО «<i>Ромашка</i> & "Лютик"»'
HOSTILE_CONTACT = ("<svg/onload=alert(2)>", "O'Hara; DROP TABLE deals")

# Fields of its own: of deals the first ones, of companies the last; what they are called, and the values of lists.
DEAL_FIELDS = (
    (
        "UF_CRM_REGION",
        "enumeration",
        "Region",
        ((41, "Москва"), (43, "Северо-Запад"), (45, "Юг"), (47, "Урал & Сибирь")),
    ),
    ("UF_CRM_SCORE", "double", "Score", ()),
    ("UF_CRM_BUDGET", "money", "Бюджет клиента", ()),
    ("UF_CRM_DELIVERY", "date", "Delivery on", ()),
    ("UF_CRM_MEASURED", "boolean", "Замер сделан", ()),
)
COMPANY_FIELDS = (("UF_CRM_SEGMENT", "enumeration", "Segment", ((61, "Builders"), (63, "Designers"), (65, "Shops"))),)

COMMENTS = (
    "Созвонились, клиент думает.", "Просит пересчитать с монтажом.", "Sent the catalogue.",
    "Ждут согласования с архитектором.",
    "[B]Важно:[/B] скидку больше 7% не давать.", "Budget is approved for next quarter.",
    "Перезвонить после праздников.",
    "Замер сделан, размеры в файле.", "Needs samples of slate and travertine.", "Директор в отпуске до понедельника.",
    "Сравнивает с конкурентом, цена выше на 5%.", "<b>Договор</b> отправлен на подпись.",
)  # fmt: skip
TODOS = (
    "Перезвонить клиенту", "Send the offer", "Подготовить расчёт", "Remind about the invoice", "Согласовать замер",
    "Уточнить сроки поставки",
)  # fmt: skip
